import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { digestOf } from '#libs/oci/digest.js';
import { asked, ImagesWorld } from '../testing/images-world.js';
import { dockerArchive, sample, type Sample } from '../testing/sample-image.js';

let world: ImagesWorld;
const container = 'c'.repeat(64);
const hold = () => world.images.hold({ image: 'app:1', container } as never);
const release = () => world.images.release({ container } as never);
const remove = (image: string, force = false) => world.images.remove({ image, force, prune: true } as never, asked);
const inUse = { kind: 'conflict', message: expect.stringContaining('container cccccccccccc') as string };
let image: Sample;
beforeEach(async () => {
  world = await ImagesWorld.open();
  image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1']));
});
afterEach(() => world.close());

test('an image is in use while a container is being made of it, until that is there or came to nothing', async () => {
  expect(await hold()).toEqual(await world.images.get({ image: image.id } as never));
  await expect(remove(image.id)).rejects.toMatchObject(inUse);
  await expect(remove('app:1')).rejects.toMatchObject(inUse);
  expect(await remove(image.id, true)).toMatchObject({ untagged: ['app:1'], deleted: [] });
  release();
  expect(await remove(image.id)).toMatchObject({ deleted: [image.id, digestOf(image.tar)] });
  await expect(hold()).rejects.toMatchObject({ kind: 'not-found', message: 'No such image: app:1' });
});

test('the removal of an image takes no notice of a container that came to be since it asked for all of them, but of its making', async () => {
  await hold();
  const [listing, lists] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.beforeListing = () => (listing.resolve(), lists.promise);
  const removal = remove('app:1');
  await listing.promise;
  world.users.push({ id: container, imageId: image.id, status: 'created' });
  release();
  lists.resolve();
  await expect(removal).rejects.toMatchObject(inUse);
});

test('an image is in use by a container that is on its way back', async () => {
  world.users.push({ id: container, imageId: image.id, status: 'exited', restoring: true });
  await expect(remove(image.id)).rejects.toMatchObject(inUse);
  await expect(remove('app:1')).rejects.toMatchObject(inUse);
});

test('either an image stays, or nobody is told that it is there', async () => {
  const outcomes = new Set<string>();
  for (let steps = 0; steps < 60; steps++) {
    const removal = remove('app:1');
    for (let step = 0; step < steps; step++) await Promise.resolve();
    const [removed, held] = await Promise.allSettled([removal, hold()]);
    expect(removed.status).not.toBe(held.status);
    outcomes.add(held.status);
    release();
    await world.load(await dockerArchive(image, ['app:1']));
  }
  expect([...outcomes]).toEqual(['fulfilled', 'rejected']);
});

test('an image is not in use for ever by a container that is heard of no more', async () => {
  await hold();
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 3_600_000);
  expect(await remove('app:1')).toMatchObject({ untagged: ['app:1'] });
  vi.restoreAllMocks();
});
