import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImportImage } from '#contracts/images/images.js';
import { internal, unavailable } from '#libs/errors/errors.js';
import { openStream } from '#libs/messaging/open-stream.js';
import { withToldEnd } from '#libs/messaging/told-end.js';
import { openWhole } from '#libs/messaging/whole-stream.js';
import { digestOf } from '#libs/oci/digest.js';
import { OCI_MANIFEST } from '#libs/oci/media-types.js';
import { readTar } from '#libs/oci/tar-reader.js';
import { asked, ImagesWorld, lines } from './testing/images-world.js';
import { dockerArchive, layoutArchive, sample, tarOf, type Sample, twoLayers } from './testing/sample-image.js';

let world: ImagesWorld;
beforeEach(async () => {
  world = await ImagesWorld.open();
});
afterEach(() => world.close());

test('a loaded archive is an image, by tag, id and the beginning of the id', async () => {
  const image = await sample('1');
  expect(await world.load(gzipSync(await dockerArchive(image, ['app:1', 'docker.io/library/app:2'])))).toEqual([{ stream: 'Loaded image: app:1\n' }, { stream: 'Loaded image: app:2\n' }]);
  for (const name of ['app:1', 'app:2', 'docker.io/library/app:1', image.id, image.id.slice(7), image.id.slice(7, 15)]) {
    expect(await world.images.get({ image: name } as never)).toMatchObject({ id: image.id, repoTags: ['app:1', 'app:2'], sizeBytes: 5, diffIds: [digestOf(image.tar)], config: { Cmd: ['/hello'] } });
  }
  await expect(world.images.get({ image: 'app' } as never)).rejects.toMatchObject({ kind: 'not-found', message: 'No such image: app:latest' });
  expect(world.unpacked[0]).toMatchObject({ diffId: digestOf(image.tar), digest: digestOf(image.tar), chainId: digestOf(image.tar) });
});

test('what is no archive is told so, and leaves no blob behind', async () => {
  const [answer] = await world.load(Buffer.from('nonsense'.repeat(1000)));
  expect(answer).toMatchObject({ error: expect.stringContaining('tar') as string });
  expect((await world.load(await tarOf([{ path: 'x', body: Buffer.from('x') }])))[0]).toMatchObject({ error: expect.stringContaining('neither manifest.json') as string });
  expect(world.blobs()).toEqual([]);
});

test('a tag moves to the image that takes it, also after a restart', async () => {
  const [first, second] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(first, ['app:1']));
  await world.load(await dockerArchive(second, ['app:1']));
  await world.images.tag({ image: first.id, reference: 'old' } as never, asked);
  const check = async (): Promise<void> => {
    expect((await world.images.list()).images.map((image) => [image.id, image.repoTags]).sort()).toEqual([[first.id, ['old:latest']], [second.id, ['app:1']]].sort());
  };
  await check();
  await world.restart();
  await check();
});

test('the last name takes the image with it, and the blobs that no other image has', async () => {
  const [first, second] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(second, ['other']));
  const before = world.blobs();
  await world.load(await dockerArchive(first, ['app:1', 'b:1']));
  await expect(world.images.remove({ image: first.id, force: false, prune: true } as never, asked)).rejects.toMatchObject({ kind: 'conflict' });
  expect(await world.images.remove({ image: 'app:1', force: false, prune: true } as never, asked)).toMatchObject({ untagged: ['app:1'], deleted: [] });
  expect(await world.images.remove({ image: 'b:1', force: false, prune: true } as never, asked)).toMatchObject({ untagged: ['b:1'], deleted: [first.id, digestOf(first.tar)] });
  await expect(world.images.get({ image: first.id } as never)).rejects.toMatchObject({ kind: 'not-found' });
  expect(world.blobs()).toEqual(before);
});

test('a removal that comes again with its key is answered as the first time, after a restart, too, and with another key there is nothing to remove', async () => {
  const image = await sample('1');
  const archive = await dockerArchive(image, ['app:1', 'app:2']);
  await world.load(archive);
  const remove = (name: string, idempotencyKey: string) => world.images.remove({ image: name, force: false, prune: true } as never, { ...asked, idempotencyKey });
  const [untagged, removed] = [await remove('app:1', 'k1'), await remove('app:2', 'k2')];
  expect([untagged, removed]).toMatchObject([{ untagged: ['app:1'], deleted: [] }, { untagged: ['app:2'], deleted: [image.id, expect.any(String)] }]);
  expect([await remove('app:1', 'k1'), await remove('app:2', 'k2')]).toEqual([untagged, removed]);
  await world.restart();
  expect(await remove('app:2', 'k2')).toEqual(removed);
  for (const name of ['app:1', 'app:2', image.id]) await expect(remove(name, 'k3')).rejects.toMatchObject({ kind: 'not-found' });
  // It is there again: what the key removed is over, and of the new one nothing goes.
  await world.load(archive);
  await remove('app:1', 'k4');
  expect(await remove('app:2', 'k2')).toMatchObject({ untagged: ['app:2'] });
  expect([(await world.images.list()).images.map(({ repoTags }) => repoTags), [...world.onDisk]]).toEqual([[['app:2']], [digestOf(image.tar)]]);
});

test('by its id an image that two tags of one repository name is not removed, unless by force', async () => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1', 'app:2']));
  const refusal = { kind: 'conflict', message: expect.stringMatching(/\(must be forced\) - image is referenced in multiple repositories$/) as string };
  await expect(world.images.remove({ image: image.id, force: false, prune: true } as never, asked)).rejects.toMatchObject(refusal);
  expect((await world.images.list()).images.map(({ repoTags }) => repoTags)).toEqual([['app:1', 'app:2']]);
  expect(await world.images.remove({ image: image.id, force: true, prune: true } as never, asked)).toMatchObject({ untagged: ['app:1', 'app:2'], deleted: [image.id, digestOf(image.tar)] });
});

test('by its id and the names that it had an image goes with those it still has, and stays where it has another one by now', async () => {
  const [first, second] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(first, ['app:1', 'app:2', 'other:1']));
  await world.load(await dockerArchive(second, ['app:1']));
  const remove = (knownAs: readonly string[]) => world.images.remove({ image: first.id, force: false, prune: true, knownAs } as never, asked);
  for (const knownAs of [[], ['app:1', 'app:2']]) await expect(remove(knownAs)).rejects.toMatchObject({ kind: 'conflict' });
  expect(await remove(['app:1', 'app:2', 'other:1'])).toMatchObject({ untagged: ['app:2', 'other:1'], deleted: [first.id, digestOf(first.tar)] });
  expect((await world.images.list()).images.map(({ id, repoTags }) => [id, repoTags])).toEqual([[second.id, ['app:1']]]);
});

test('a layer that goes with an image is there again for one that is loaded meanwhile', async () => {
  const [image, other] = [await sample('1'), await sample('1', 'somebody')];
  await world.load(await dockerArchive(other, ['other:1']));
  const [removing, removes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.beforeRemoval = () => (removing.resolve(), removes.promise);
  const removal = world.images.remove({ image: 'other:1', force: false, prune: true } as never, asked);
  await removing.promise;
  const loading = world.load(await dockerArchive(image, ['app:1']));
  await expect.poll(() => world.blobs()).toContain(image.id.slice(7));
  await new Promise(setImmediate);
  removes.resolve();
  await Promise.all([removal, loading]);
  expect([[...world.onDisk], (await world.images.list()).images.map(({ id }) => id)]).toEqual([[digestOf(image.tar)], [image.id]]);
});

test('a removal whose layers the executor does not take away is answered, and no tag waits for it meanwhile', async () => {
  const [image, other] = [await sample('1'), await sample('2')];
  await world.load(await dockerArchive(image, ['app:1']));
  await world.load(await dockerArchive(other, ['other:1']));
  const [removing, removes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.beforeRemoval = () => (removing.resolve(), removes.promise);
  let isOver = false;
  const removal = world.images.remove({ image: 'app:1', force: false, prune: true } as never, asked).finally(() => (isOver = true));
  await removing.promise;
  await world.images.tag({ image: 'other:1', reference: 'other:2' } as never, asked);
  expect(isOver).toBe(false);
  expect(await removal).toMatchObject({ untagged: ['app:1'], deleted: [image.id, digestOf(image.tar)] });
  removes.resolve();
  await expect.poll(() => [...world.onDisk]).toEqual([digestOf(other.tar)]);
});

test.each([true, false])('of a layout with one image a platform under one name comes this machine\'s, and nothing of what tells of it (platforms told: %s)', async (told) => {
  const [own, other] = [process.arch === 'arm64' ? 'arm64' : 'amd64', 's390x'];
  const [image, foreign] = [await sample('1', '', own), await sample('2', '', other)];
  const descriptor = ({ manifest }: Sample, architecture: string) => ({
    mediaType: OCI_MANIFEST,
    digest: digestOf(manifest),
    size: manifest.length,
    ...(told && { platform: { os: 'linux', architecture } }),
    annotations: { 'io.containerd.image.name': 'docker.io/library/multi:1' },
  });
  const attestation = { mediaType: OCI_MANIFEST, digest: digestOf('not in the archive'), size: 5, platform: { os: 'unknown', architecture: 'unknown' } };
  expect(await world.load(await layoutArchive([image, foreign], [descriptor(image, own), descriptor(foreign, other), attestation]))).toEqual([{ stream: 'Loaded image: multi:1\n' }]);
  expect((await world.images.list()).images.map(({ id, repoTags }) => [id, repoTags])).toEqual([[image.id, ['multi:1']]]);
  const both = await layoutArchive([image, foreign], [descriptor(image, own), descriptor(foreign, other), attestation]);
  expect(await world.load(both, 'linux/ppc64le')).toEqual([]);
  expect(await world.load(both, 'linux/s390x')).toMatchObject([{}, { stream: 'Loaded image: multi:1\n' }]);
  expect((await world.images.list()).images.find(({ repoTags }) => repoTags.length > 0)).toMatchObject({ id: foreign.id, architecture: other });
});

test('of an archive of docker save comes what is for the platform asked for, and of one that is a layout too what that lists', async () => {
  const [own, other] = [await sample('1'), await sample('2', '', 's390x')];
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(other.manifest), size: other.manifest.length, annotations: { 'io.containerd.image.name': 'docker.io/library/multi:1' } };
  expect(await world.load(await dockerArchive(own, ['app:1']), 'linux/s390x')).toEqual([]);
  expect(await world.load(await dockerArchive(own, ['app:1']), 'linux/amd64')).toEqual([{ stream: 'Loaded image: app:1\n' }]);
  // Without the two empty blocks that end an archive.
  const hybrid = Buffer.concat([(await dockerArchive(own, ['app:1'])).subarray(0, -1024), await layoutArchive([other], [descriptor])]);
  expect(await world.load(hybrid, 'linux/s390x')).toEqual([{ stream: 'Loaded image: multi:1\n' }]);
  expect(await world.load(hybrid)).toEqual([{ stream: 'Loaded image: app:1\n' }]);
});

test('layers of a load that fails are gone with it, but for those that an image has', async () => {
  const [{ archive, tars: [lower] }, other] = [await twoLayers('1', '2'), await sample('1')];
  await world.load(await dockerArchive(other, ['other:1']));
  let times = 0;
  world.unpacking = () => (++times === 2 ? Promise.reject(new Error('no space left on device')) : Promise.resolve());
  expect(await world.load(archive)).toMatchObject([{ error: 'no space left on device' }]);
  expect([[...world.onDisk], world.removedLayers.at(-1)]).toEqual([[digestOf(other.tar)], digestOf(lower)]);
  expect(await world.load(archive)).toEqual([{ stream: 'Loaded image: two:1\n' }]);
  expect(world.onDisk.size).toBe(3);
});

test.each(['a load', 'an import'])('%s whose client leaves while it is unpacked ends, and nothing of it stays', async (way) => {
  const { archive, tars } = await twoLayers('1', '2');
  const [unpacking, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.unpacking = () => (unpacking.resolve(), ends.promise);
  const [asks, input] = way === 'a load' ? [world.images.load({ quiet: true } as never, asked), archive] : [world.images.import(Object.assign(new ImportImage(), { reference: 'left', message: '', changes: [] }), asked), tars[0]!];
  const client = await openStream(asks);
  withToldEnd(client).end(input);
  await unpacking.promise;
  client.destroy();
  await expect.poll(() => world.blobs()).toEqual([]);
  expect(world.removedLayers).toContain(digestOf(tars[0]!));
  ends.resolve();
  expect((await world.images.list()).images).toEqual([]);
});

test('an import that cannot be unpacked leaves nothing', async () => {
  world.unpacking = () => Promise.reject(new Error('no space left on device'));
  const imported = await world.talk(world.images.import(Object.assign(new ImportImage(), { reference: 'large', message: '', changes: [] }), asked), await tarOf([{ path: 'file', body: Buffer.from('contents') }]));
  expect(lines(imported)).toMatchObject([{ error: 'no space left on device' }]);
  expect([world.blobs(), world.removedLayers.length]).toEqual([[], 1]);
});

test('a load that fails while the executor is away is answered all the same, and its layers are asked for no longer than one would be', async () => {
  const { archive } = await twoLayers('1', '2');
  const [asks, returns] = [[] as number[], Promise.withResolvers<void>()];
  world.beforeRemoval = () => (asks.push(asks.length), returns.promise);
  world.store.fates.set('ImageAdded', ['full']);
  expect(await world.load(archive)).toMatchObject([{ error: 'the log is full' }]);
  expect(world.blobs()).toEqual([]);
  // What is asked for again waits until it is known what becomes of them.
  const again = world.load(archive);
  returns.reject(unavailable('the executor service is not running'));
  expect(await again).toEqual([{ stream: 'Loaded image: two:1\n' }]);
  expect([asks, world.onDisk.size]).toEqual([[0], 2]);
});

test('what is removed while it is saved is gone once that is over', async () => {
  const tar = await tarOf([{ path: 'noise', body: randomBytes(8 << 20) }]);
  const before = world.blobs();
  await world.talk(world.images.import(Object.assign(new ImportImage(), { reference: 'big', message: '', changes: [] }), asked), tar);
  const saved = await openWhole(await world.images.save({ images: ['big'] } as never, asked));
  await once(saved, 'readable');
  await world.images.remove({ image: 'big', force: false, prune: true } as never, asked);
  expect(world.blobs()).toContain(digestOf(tar).slice(7));
  saved.on('error', () => undefined).destroy();
  await expect.poll(() => world.blobs()).toEqual(before);
});

test('a layer that cannot be removed keeps no image from coming', async () => {
  world.keepingLayers = () => Promise.reject(internal('EBUSY'));
  await world.restart();
  expect(world.notRemoved).toMatchObject([{ message: 'EBUSY' }]);
  expect(await world.load(await dockerArchive(await sample('1'), ['app:1']))).toEqual([{ stream: 'Loaded image: app:1\n' }]);
  world.keepingLayers = () => Promise.reject(unavailable('nobody listens'));
  await expect(world.restart()).rejects.toMatchObject({ kind: 'unavailable' });
  world.keepingLayers = () => Promise.resolve();
});

test('what is left over of blobs and cannot be removed keeps the service from nothing, and all else that is left over goes', async () => {
  // A directory is none that `rm` takes away: as a blob on a disk that fails.
  mkdirSync(join(world.top, 'content/ingest/stuck'));
  for (const digit of '1f') mkdirSync(join(world.top, 'content/blobs/sha256', digit.repeat(64)));
  for (const digit of '0ae') writeFileSync(join(world.top, 'content/blobs/sha256', digit.repeat(64)), 'left over');
  await world.restart();
  expect(world.blobs()).toEqual(['1'.repeat(64), 'f'.repeat(64)]);
  expect(world.notRemoved).toHaveLength(3);
  expect(await world.load(await dockerArchive(await sample('1'), ['app:1']))).toEqual([{ stream: 'Loaded image: app:1\n' }]);
});

test('what is saved loads again elsewhere', async () => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1', 'app:2']));
  const archive = await buffer(await openWhole(await world.images.save({ images: ['app:1', 'app:2'] } as never, asked)));
  const names: string[] = [];
  const source = async function* (): AsyncGenerator<Buffer> {
    yield archive;
  };
  for await (const entry of readTar(source())) names.push(entry.path.toString());
  expect(names).toEqual(expect.arrayContaining(['oci-layout', 'index.json', 'manifest.json', 'repositories']));
  await world.images.remove({ image: image.id, force: true, prune: true } as never, asked);
  await world.load(archive);
  expect((await world.images.get({ image: 'app:2' } as never)).id).toBe(image.id);
});

test('a repository is saved with all its tags, also where none is the latest', async () => {
  const image = await sample('1');
  await world.load(await dockerArchive(image, ['app:1', 'app:2', 'other:1']));
  const archive = await buffer(await openWhole(await world.images.save({ images: ['app'] } as never, asked)));
  await world.images.remove({ image: image.id, force: true, prune: true } as never, asked);
  await world.load(archive);
  expect(await world.images.get({ image: image.id } as never)).toMatchObject({ repoTags: ['app:1', 'app:2'] });
  await expect(world.images.save({ images: ['other'] } as never, asked)).rejects.toThrow('No such image: other');
});

test.each(['commit', 'load'])('layers that were here before stay for an image that comes to have them, though the one they are from goes meanwhile (%s)', async (how) => {
  const base = await sample('1');
  await world.load(await layoutArchive([base], [{ mediaType: OCI_MANIFEST, digest: digestOf(base.manifest), size: base.manifest.length, annotations: { 'io.containerd.image.name': 'base:1' } }]));
  // The last one of the first image's names goes while the new one is unpacked.
  world.unpacking = async () => {
    world.unpacking = () => Promise.resolve();
    await world.images.remove({ image: 'base:1', force: false, prune: true } as never, asked);
  };
  if (how === 'commit') {
    world.written = await tarOf([{ path: 'new', body: Buffer.from('2') }]);
    await world.images.commit({ container: 'c', parent: base.id, layers: [], config: {}, createdBy: '', author: '', comment: '', createdAt: '2026-01-01T00:00:00Z', reference: 'new:1' } as never, asked);
  } else {
    const config = Buffer.from(base.config.toString().replace('/hello', '/other'));
    const manifest = Buffer.from(base.manifest.toString().replace(digestOf(base.config), digestOf(config)).replace(`"size":${base.config.length}`, `"size":${config.length}`));
    const index = { schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length, annotations: { 'io.containerd.image.name': 'new:1' } }] };
    const blobs = [config, manifest].map((body) => ({ path: `blobs/sha256/${digestOf(body).slice(7)}`, body }));
    expect(await world.load(await tarOf([...blobs, { path: 'index.json', body: Buffer.from(JSON.stringify(index)) }]))).toEqual([{ stream: 'Loaded image: new:1\n' }]);
  }
  expect((await world.images.list()).images.map(({ repoTags }) => repoTags)).toEqual([['new:1']]);
  expect(world.blobs()).toContain(digestOf(base.layer).slice(7));
});

test('of an archive whose sender did not come to the end nothing comes, wherever it was cut off', async () => {
  const archive = await tarOf([{ path: 'a', body: Buffer.from('1') }, { path: 'b', body: Buffer.from('2') }]);
  const command = Object.assign(new ImportImage(), { reference: 'cut:1', message: '', changes: [] });
  const loads = await dockerArchive(await sample('1'), ['app:1']);
  for (const [endpoint, sent] of [[world.images.import(command, asked), archive.subarray(0, 1024)], [world.images.load({ quiet: true } as never, asked), loads]] as const) {
    const socket = await openStream(endpoint);
    withToldEnd(socket).write(sent, () => socket.end());
    expect(lines(await buffer(socket)).at(-1)).toMatchObject({ error: expect.stringContaining('cut off') as string });
  }
  expect([(await world.images.list()).images, world.blobs()]).toEqual([[], []]);
});

test('an imported tar is for the platform asked for', async () => {
  const { tar } = await sample('1');
  const command: ImportImage = Object.assign(new ImportImage(), { reference: 'mine', message: '', changes: [], platform: 'linux/arm/v6' });
  await world.talk(world.images.import(command, asked), tar);
  expect(await world.images.get({ image: 'mine' } as never)).toMatchObject({ os: 'linux', architecture: 'arm', variant: 'v6' });
  expect(() => world.images.import({ ...command, platform: 'toaster' }, asked)).toThrow('unknown operating system or architecture');
  expect(() => world.images.import({ ...command, platform: 'windows/amd64' }, asked)).toThrow('operating system is not supported');
});

test('an imported tar is an image of one layer, with the changes asked for', async () => {
  const { tar } = await sample('1');
  const command: ImportImage = Object.assign(new ImportImage(), { reference: 'mine', message: 'm', changes: ['CMD ["a","b"]', 'ENV A=1 B="x y"', 'EXPOSE 80'] });
  const [answer] = lines(await world.talk(world.images.import(command, asked), gzipSync(tar)));
  expect(answer).toEqual({ status: expect.stringMatching(/^sha256:/) as string });
  expect(await world.images.get({ image: 'mine' } as never)).toMatchObject({ comment: 'm', diffIds: [digestOf(tar)], config: { Cmd: ['a', 'b'], Env: ['A=1', 'B=x y'], ExposedPorts: { '80/tcp': {} } } });
});
