import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Fate } from '#libs/event-store/testing/stalling-event-store.js';
import { digestOf } from '#libs/oci/digest.js';
import { asked, ImagesWorld } from '../testing/images-world.js';
import { dockerArchive, sample } from '../testing/sample-image.js';

let world: ImagesWorld;
beforeEach(async () => {
  world = await ImagesWorld.open();
});
afterEach(() => world.close());

const notAnswered = { kind: 'unavailable' };
const failed = [{ error: 'the log did not answer', errorDetail: { message: 'the log did not answer' } }];
const tag = (image: string, reference: string) => world.images.tag({ image, reference } as never, asked);
const remove = (image: string) => world.images.remove({ image, force: true, prune: true } as never, asked);
const listed = async (): Promise<unknown[]> => (await world.images.list()).images.map(({ id, repoTags }) => [id, [...repoTags].sort()]).sort();
/** What is late is on the log, and all is done that comes of it. */
const landed = async (): Promise<void> => {
  await world.store.land();
  for (let before = -1; before !== (await world.store.lastPosition()); ) {
    before = await world.store.lastPosition();
    // A turn of tags behind all others.
    await tag('none', 'x').catch(() => undefined);
    await new Promise(setImmediate);
    await tag('none', 'x').catch(() => undefined);
  }
};

test.each<Fate>(['unheard', 'late'])('an image that was added after all has all that it needs (%s)', async (fate) => {
  const [image, again] = [await sample('1'), await dockerArchive(await sample('1'), ['again:1'])];
  world.store.fates.set('ImageAdded', [fate]);
  expect(await world.load(await dockerArchive(image, ['app:1']))).toEqual(failed);
  await landed();
  expect(await listed()).toEqual([[image.id, ['app:1']]]);
  expect(await world.images.get({ image: 'app:1' } as never)).toMatchObject({ diffIds: [digestOf(image.tar)] });
  await world.load(again);
  await remove(image.id);
  expect([await listed(), world.blobs()]).toEqual([[], []]);
});

test('what an image has that may come yet is not removed with another one, and goes in the end', async () => {
  const [image, other] = [await sample('1'), await sample('1', 'somebody')];
  await world.load(await dockerArchive(other, ['other:1']));
  world.store.fates.set('ImageAdded', ['late']);
  expect(await world.load(await dockerArchive(image, ['app:1']))).toEqual(failed);
  await remove('other:1');
  expect([world.removedLayers, world.blobs().includes(digestOf(image.tar).slice(7))]).toEqual([[], true]);
  await landed();
  await remove('app:1');
  expect([world.removedLayers, world.blobs()]).toEqual([[digestOf(image.tar)], []]);
});

test('an image that came to nothing keeps its blobs until it is added, or the next start', async () => {
  const image = await sample('1');
  world.store.fates.set('ImageAdded', ['lost', 'lost', 'full']);
  for (let times = 0; times < 2; times++) expect(await world.load(await dockerArchive(image, ['app:1']))).toEqual(failed);
  expect(world.blobs()).toContain(digestOf(image.tar).slice(7));
  await world.restart();
  expect(world.blobs()).toEqual([]);
  expect(await world.load(await dockerArchive(image, ['app:1']))).toMatchObject([{ error: 'the log is full' }]);
  expect(world.blobs()).toEqual([]);
});

test('an image that comes when its blobs are gone, after a restart, goes again', async () => {
  world.store.fates.set('ImageAdded', ['late']);
  expect(await world.load(await dockerArchive(await sample('1'), ['app:1']))).toEqual(failed);
  await world.restart();
  await landed();
  await expect.poll(async () => (await world.store.commitAt(await world.store.lastPosition()))?.events.at(-1)?.type).toBe('ImageRemoved');
  await expect(world.images.get({ image: 'app:1' } as never)).rejects.toMatchObject({ kind: 'not-found' });
});

test.each<Fate>(['unheard', 'late'])('layers and blobs of an image that was removed after all go with it (%s)', async (fate) => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1']));
  world.store.fates.set('ImageUntagged', [fate]);
  await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
  await landed();
  await expect.poll(() => [world.removedLayers, world.blobs()]).toEqual([[digestOf(image.tar)], []]);
});

test('an image that was removed after all delays no tag while its layers go', async () => {
  const [image, other] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(image, ['app:1']));
  await world.load(await dockerArchive(other, ['other:1']));
  const [asks, goes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.beforeRemoval = () => (asks.resolve(), goes.promise);
  world.store.fates.set('ImageUntagged', ['unheard']);
  await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
  await asks.promise;
  await tag(other.id, 'more:1');
  goes.resolve();
  await expect.poll(() => world.removedLayers).toEqual([digestOf(image.tar)]);
});

test('an image whose removal comes when a container uses it is there again', async () => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1', 'app:2']));
  world.store.fates.set('ImageUntagged', ['late']);
  await expect(remove(image.id)).rejects.toMatchObject(notAnswered);
  world.users.push({ id: 'c'.repeat(64), imageId: image.id, status: 'running' });
  await landed();
  expect([await listed(), world.removedLayers]).toEqual([[[image.id, ['app:1', 'app:2']]], []]);
  expect(await world.images.get({ image: image.id } as never)).toMatchObject({ diffIds: [digestOf(image.tar)] });
});

test('an image whose removal comes when a container is being made of it is there again', async () => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1']));
  world.store.fates.set('ImageUntagged', ['late']);
  await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
  await world.images.hold({ image: 'app:1', container: 'c'.repeat(64) } as never);
  await landed();
  expect([await listed(), world.removedLayers]).toEqual([[[image.id, ['app:1']]], []]);
});

test('an image that was loaded again does not go for a removal from before', async () => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1']));
  world.store.fates.set('ImageUntagged', ['late']);
  await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
  await world.load(await dockerArchive(image, ['app:1']));
  await landed();
  expect([await listed(), world.removedLayers]).toEqual([[[image.id, ['app:1']]], []]);
});

test('a tag whose move was cut short can move back', async () => {
  const [first, second] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(first, ['app:1']));
  await world.load(await dockerArchive(second, ['other:1']));
  world.store.fates.set('ImageUntagged', ['lost', 'lost']);
  await expect(tag(second.id, 'app:1')).rejects.toMatchObject(notAnswered);
  expect((await world.images.get({ image: 'app:1' } as never)).id).toBe(second.id);
  await expect(tag(first.id, 'app:1')).rejects.toMatchObject(notAnswered);
  expect((await world.images.get({ image: 'app:1' } as never)).id).toBe(first.id);
  await world.load(await dockerArchive(second, ['app:1']));
  expect(await listed()).toEqual([[first.id, []], [second.id, ['app:1', 'other:1']]].sort());
});

test('a tag that moves late does not take it from who got it since', async () => {
  const [first, second] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(first, ['one:1']));
  await world.load(await dockerArchive(second, ['two:1']));
  world.store.fates.set('ImageTagged', ['late']);
  await expect(tag(first.id, 'app:1')).rejects.toMatchObject(notAnswered);
  await tag(second.id, 'app:1');
  await landed();
  await expect.poll(listed).toEqual([[first.id, ['one:1']], [second.id, ['app:1', 'two:1']]].sort());
});

test('a layer that is about to be an image\'s is not removed with another one', async () => {
  const [image, other] = [await sample('1'), await sample('1', 'somebody')];
  await world.load(await dockerArchive(other, ['other:1']));
  const [asked, unpacks] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  // First what the archive holds, then what is to be on the log.
  let times = 0;
  world.unpacking = () => {
    if (++times === 1) return Promise.resolve();
    asked.resolve();
    return unpacks.promise;
  };
  const loading = world.load(await dockerArchive(image, ['app:1']));
  await asked.promise;
  await remove('other:1');
  unpacks.resolve();
  await loading;
  expect([world.removedLayers, await listed()]).toEqual([[], [[image.id, ['app:1']]]]);
});
