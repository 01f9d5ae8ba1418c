import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ListContainers } from '#contracts/containers/queries.js';
import { RemoveLayer, UnpackLayer } from '#contracts/executor/host.js';
import { ImportImage, PullImage } from '#contracts/images/images.js';
import type { RequestContext, StreamEndpoint } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { type Fate, StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import type { Bus } from '#libs/messaging/bus.js';
import { openStream } from '#libs/messaging/open-stream.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import { openWhole } from '#libs/messaging/whole-stream.js';
import { digestOf } from '#libs/oci/digest.js';
import { readTar } from '#libs/oci/tar-reader.js';
import { writeTar, type TarMember } from '#libs/oci/tar-writer.js';
import { ContentStore } from './adapters/content-store.js';
import { AddImage } from './application/add-image.js';
import { ClearImage } from './application/clear-image.js';
import { CollectBlobs } from './application/collect-blobs.js';
import { CommitContainerImage } from './application/commit-image.js';
import { type ImageAggregates, ImageDirectory } from './application/image-directory.js';
import { ImageHolds } from './application/image-holds.js';
import { ImageViews } from './application/image-views.js';
import { ImportArchive } from './application/import-image.js';
import { LateImages } from './application/late-images.js';
import { LayerHolds } from './application/layer-holds.js';
import { LoadArchive } from './application/load-images.js';
import { PullOneImage } from './application/pull-image.js';
import { RegistryLogins } from './application/registry-logins.js';
import { RemoveOneImage } from './application/remove-image.js';
import { SaveArchive } from './application/save-images.js';
import { TagOneImage } from './application/tag-image.js';
import { Turns } from './application/turns.js';
import { UnsureImages } from './application/unsure-images.js';
import { imageDecider } from './domain/image/image-decider.js';
import { ImagesController } from './images.controller.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'c' };

async function tarOf(members: readonly TarMember[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of writeTar(members)) parts.push(part);
  return Buffer.concat(parts);
}

interface Sample {
  readonly config: Buffer;
  readonly id: string;
  readonly tar: Buffer;
  readonly layer: Buffer;
  readonly manifest: Buffer;
}

async function sample(content: string, author = ''): Promise<Sample> {
  const tar = await tarOf([{ path: 'hello', body: Buffer.from(content) }]);
  const layer = gzipSync(tar);
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', created: '2024-01-01T00:00:00Z', author, config: { Cmd: ['/hello'] }, rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(layer), size: layer.length }],
    }),
  );
  return { config, id: digestOf(config), tar, layer, manifest };
}

const dockerArchive = (image: Sample, tags: readonly string[]): Promise<Buffer> =>
  tarOf([
    { path: 'abc.json', body: image.config },
    { path: 'one/layer.tar', body: image.tar },
    { path: 'two/layer.tar', type: 'symlink', linkTarget: '../one/layer.tar' },
    { path: 'manifest.json', body: Buffer.from(JSON.stringify([{ Config: 'abc.json', RepoTags: tags, Layers: ['two/layer.tar'] }])) },
  ]);

describe('images', () => {
  let top: string;
  let store: StallingEventStore;
  let late: LateImages;
  let streams: StreamServer;
  let images: ImagesController;
  let unpacked: UnpackLayer[];
  let removedLayers: string[];
  /** While an executor unpacks. */
  let unpacking: () => Promise<unknown>;
  /** Chain ids of the layers that it has, and what it does before it removes one. */
  let onDisk: Set<string>;
  let beforeRemoval: () => Promise<void>;
  let beforeListing: () => Promise<void>;
  const users: { id: string; imageId: string; status: string }[] = [];

  beforeEach(async () => {
    top = mkdtempSync(join(tmpdir(), 'images-'));
    store = new StallingEventStore();
    unpacked = [];
    removedLayers = [];
    unpacking = () => Promise.resolve();
    onDisk = new Set();
    beforeRemoval = () => Promise.resolve();
    beforeListing = () => Promise.resolve();
    users.length = 0;
    await start();
  });

  async function start(): Promise<void> {
    // An executor that only takes note.
    const bus = {
      request: async (type: { subject: string }, data: object) => {
        if (type.subject === ListContainers.subject) {
          const containers = [...users];
          await beforeListing();
          return { containers, position: 0 };
        }
        if (type.subject === UnpackLayer.subject) {
          unpacked.push(data as UnpackLayer);
          await unpacking();
          onDisk.add((data as UnpackLayer).chainId);
        } else if (type.subject === RemoveLayer.subject) {
          await beforeRemoval();
          onDisk.delete((data as RemoveLayer).chainId);
          removedLayers.push((data as RemoveLayer).chainId);
        }
        return { position: 0, sizeBytes: 5 };
      },
    } as unknown as Bus;
    const aggregates: ImageAggregates = new Aggregates(store, 'image', imageDecider, { source: 'images', isGone: (image) => image.status === 'absent' });
    const directory = new ImageDirectory(aggregates);
    const content = new ContentStore(top);
    const turns = new Turns();
    const layers = new LayerHolds();
    const collect = new CollectBlobs(directory, content);
    const fail = (error: unknown): void => expect.unreachable(String(error));
    const holds = new ImageHolds(directory, turns);
    const unsure = new UnsureImages(aggregates, directory, content, collect, fail);
    const add = new AddImage(aggregates, directory, content, unsure, layers, bus, turns);
    const clear = new ClearImage(directory, collect, bus, layers);
    late = new LateImages(aggregates, directory, content, unsure, clear, bus, turns, holds, fail);
    streams = new StreamServer(join(top, 'images.sock'));
    await content.open();
    late.start();
    await aggregates.start();
    await collect.leftOver();
    await add.keepLayers({ actor: 'test', correlationId: 'c', causationId: 'd' });
    await streams.listen();
    images = new ImagesController(
      streams,
      new ImageViews(directory, content),
      new PullOneImage(directory, content, add, collect, []),
      new LoadArchive(content, add, collect),
      new ImportArchive(content, add, collect),
      new CommitContainerImage(directory, content, add, collect, bus),
      new SaveArchive(directory, content),
      new TagOneImage(aggregates, directory, unsure, turns),
      new RemoveOneImage(aggregates, directory, clear, unsure, bus, turns, holds),
      new RegistryLogins([]),
      holds,
    );
  }

  afterEach(async () => {
    late.stop();
    await streams.close();
    await store.close();
    rmSync(top, { recursive: true });
  });

  async function talk(endpoint: StreamEndpoint, input?: Buffer): Promise<Buffer> {
    const socket = await openStream(endpoint);
    if (input) socket.write(input);
    socket.end();
    const parts: Buffer[] = [];
    for await (const chunk of socket) parts.push(chunk as Buffer);
    return Buffer.concat(parts);
  }

  const lines = (bytes: Buffer): Record<string, unknown>[] => bytes.toString().trim().split('\r\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  const load = async (archive: Buffer): Promise<Record<string, unknown>[]> => lines(await talk(images.load({ quiet: true } as never, asked), archive));
  const blobs = (): string[] => readdirSync(join(top, 'content/blobs/sha256')).sort();

  test('a loaded archive is an image, by tag, id and the beginning of the id', async () => {
    const image = await sample('1');
    expect(await load(gzipSync(await dockerArchive(image, ['app:1', 'docker.io/library/app:2'])))).toEqual([{ stream: 'Loaded image: app:1\n' }, { stream: 'Loaded image: app:2\n' }]);
    for (const name of ['app:1', 'app:2', 'docker.io/library/app:1', image.id, image.id.slice(7), image.id.slice(7, 15)]) {
      expect(await images.get({ image: name } as never)).toMatchObject({ id: image.id, repoTags: ['app:1', 'app:2'], sizeBytes: 5, diffIds: [digestOf(image.tar)], config: { Cmd: ['/hello'] } });
    }
    await expect(images.get({ image: 'app' } as never)).rejects.toMatchObject({ kind: 'not-found', message: 'No such image: app:latest' });
    expect(unpacked[0]).toMatchObject({ diffId: digestOf(image.tar), digest: digestOf(image.tar), chainId: digestOf(image.tar) });
  });

  test('what is no archive is told so, and leaves no blob behind', async () => {
    const [answer] = await load(Buffer.from('nonsense'.repeat(1000)));
    expect(answer).toMatchObject({ error: expect.stringContaining('tar') as string });
    expect((await load(await tarOf([{ path: 'x', body: Buffer.from('x') }])))[0]).toMatchObject({ error: expect.stringContaining('neither manifest.json') as string });
    expect(blobs()).toEqual([]);
  });

  test('a tag moves to the image that takes it, also after a restart', async () => {
    const [first, second] = [await sample('1'), await sample('2')];
    await load(await dockerArchive(first, ['app:1']));
    await load(await dockerArchive(second, ['app:1']));
    await images.tag({ image: first.id, reference: 'old' } as never, asked);
    const check = async (): Promise<void> => {
      expect((await images.list()).images.map((image) => [image.id, image.repoTags]).sort()).toEqual([[first.id, ['old:latest']], [second.id, ['app:1']]].sort());
    };
    await check();
    await streams.close();
    await start();
    await check();
  });

  test('the last name takes the image with it, and the blobs that no other image has', async () => {
    const [first, second] = [await sample('1'), await sample('2')];
    await load(await dockerArchive(second, ['other']));
    const before = blobs();
    await load(await dockerArchive(first, ['app:1', 'b:1']));
    await expect(images.remove({ image: first.id, force: false, prune: true } as never, asked)).rejects.toMatchObject({ kind: 'conflict' });
    expect(await images.remove({ image: 'app:1', force: false, prune: true } as never, asked)).toMatchObject({ untagged: ['app:1'], deleted: [] });
    expect(await images.remove({ image: 'b:1', force: false, prune: true } as never, asked)).toMatchObject({ untagged: ['b:1'], deleted: [first.id, digestOf(first.tar)] });
    await expect(images.get({ image: first.id } as never)).rejects.toMatchObject({ kind: 'not-found' });
    expect(blobs()).toEqual(before);
  });

  test('a layer that goes with an image is there again for one that is loaded meanwhile', async () => {
    const [image, other] = [await sample('1'), await sample('1', 'somebody')];
    await load(await dockerArchive(other, ['other:1']));
    unpacked = [];
    const [removing, removes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    beforeRemoval = () => (removing.resolve(), removes.promise);
    const removal = images.remove({ image: 'other:1', force: false, prune: true } as never, asked);
    await removing.promise;
    const loading = load(await dockerArchive(image, ['app:1']));
    await expect.poll(() => unpacked.length).toBe(1);
    await new Promise(setImmediate);
    removes.resolve();
    await Promise.all([removal, loading]);
    expect([[...onDisk], (await images.list()).images.map(({ id }) => id)]).toEqual([[digestOf(image.tar)], [image.id]]);
  });

  describe('of which a container is being made', () => {
    const container = 'c'.repeat(64);
    const hold = () => images.hold({ image: 'app:1', container } as never);
    const release = () => images.release({ container } as never);
    const remove = (image: string, force = false) => images.remove({ image, force, prune: true } as never, asked);
    const inUse = { kind: 'conflict', message: expect.stringContaining('container cccccccccccc') as string };
    let image: Sample;
    beforeEach(async () => {
      image = await sample('1');
      await load(await dockerArchive(image, ['app:1']));
    });

    test('it is in use until that is there, or came to nothing', async () => {
      expect(await hold()).toEqual(await images.get({ image: image.id } as never));
      await expect(remove(image.id)).rejects.toMatchObject(inUse);
      await expect(remove('app:1')).rejects.toMatchObject(inUse);
      expect(await remove(image.id, true)).toMatchObject({ untagged: ['app:1'], deleted: [] });
      release();
      expect(await remove(image.id)).toMatchObject({ deleted: [image.id, digestOf(image.tar)] });
      await expect(hold()).rejects.toMatchObject({ kind: 'not-found', message: 'No such image: app:1' });
    });

    test('its removal takes no notice of a container that came to be since it asked for all of them, but of its making', async () => {
      await hold();
      const [listing, lists] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      beforeListing = () => (listing.resolve(), lists.promise);
      const removal = remove('app:1');
      await listing.promise;
      users.push({ id: container, imageId: image.id, status: 'created' });
      release();
      lists.resolve();
      await expect(removal).rejects.toMatchObject(inUse);
    });

    test('either it stays, or nobody is told that it is there', async () => {
      const outcomes = new Set<string>();
      for (let steps = 0; steps < 60; steps++) {
        const removal = remove('app:1');
        for (let step = 0; step < steps; step++) await Promise.resolve();
        const [removed, held] = await Promise.allSettled([removal, hold()]);
        expect(removed.status).not.toBe(held.status);
        outcomes.add(held.status);
        release();
        await load(await dockerArchive(image, ['app:1']));
      }
      expect([...outcomes]).toEqual(['fulfilled', 'rejected']);
    });

    test('it is not in use for ever by a container that is heard of no more', async () => {
      await hold();
      vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
      expect(await remove('app:1')).toMatchObject({ untagged: ['app:1'] });
      vi.restoreAllMocks();
    });
  });

  test('what is saved loads again elsewhere', async () => {
    const image = await sample('1');
    await load(await dockerArchive(image, ['app:1', 'app:2']));
    const archive = await buffer(await openWhole(images.save({ images: ['app:1', 'app:2'] } as never)));
    const names: string[] = [];
    const source = async function* (): AsyncGenerator<Buffer> {
      yield archive;
    };
    for await (const entry of readTar(source())) names.push(entry.path.toString());
    expect(names).toEqual(expect.arrayContaining(['oci-layout', 'index.json', 'manifest.json', 'repositories']));
    await images.remove({ image: image.id, force: true, prune: true } as never, asked);
    await load(archive);
    expect((await images.get({ image: 'app:2' } as never)).id).toBe(image.id);
  });

  test('an imported tar is an image of one layer, with the changes asked for', async () => {
    const { tar } = await sample('1');
    const command: ImportImage = Object.assign(new ImportImage(), { reference: 'mine', message: 'm', changes: ['CMD ["a","b"]', 'ENV A=1 B="x y"', 'EXPOSE 80'] });
    const [answer] = lines(await talk(images.import(command, asked), gzipSync(tar)));
    expect(answer).toEqual({ status: expect.stringMatching(/^sha256:/) as string });
    expect(await images.get({ image: 'mine' } as never)).toMatchObject({ comment: 'm', diffIds: [digestOf(tar)], config: { Cmd: ['a', 'b'], Env: ['A=1', 'B=x y'], ExposedPorts: { '80/tcp': {} } } });
  });

  describe('of an outcome that the log did not tell', () => {
    const notAnswered = { kind: 'unavailable' };
    const failed = [{ error: 'the log did not answer', errorDetail: { message: 'the log did not answer' } }];
    const tag = (image: string, reference: string) => images.tag({ image, reference } as never, asked);
    const remove = (image: string) => images.remove({ image, force: true, prune: true } as never, asked);
    const listed = async (): Promise<unknown[]> => (await images.list()).images.map(({ id, repoTags }) => [id, [...repoTags].sort()]).sort();
    /** What is late is on the log, and all is done that comes of it. */
    const landed = async (): Promise<void> => {
      await store.land();
      for (let before = -1; before !== (await store.lastPosition()); ) {
        before = await store.lastPosition();
        // A turn of tags behind all others.
        await tag('none', 'x').catch(() => undefined);
        await new Promise(setImmediate);
        await tag('none', 'x').catch(() => undefined);
      }
    };

    test.each<Fate>(['unheard', 'late'])('an image that was added after all has all that it needs (%s)', async (fate) => {
      const [image, again] = [await sample('1'), await dockerArchive(await sample('1'), ['again:1'])];
      store.fates.set('ImageAdded', [fate]);
      expect(await load(await dockerArchive(image, ['app:1']))).toEqual(failed);
      await landed();
      expect(await listed()).toEqual([[image.id, ['app:1']]]);
      expect(await images.get({ image: 'app:1' } as never)).toMatchObject({ diffIds: [digestOf(image.tar)] });
      await load(again);
      await remove(image.id);
      expect([await listed(), blobs()]).toEqual([[], []]);
    });

    test('what an image has that may come yet is not removed with another one, and goes in the end', async () => {
      const [image, other] = [await sample('1'), await sample('1', 'somebody')];
      await load(await dockerArchive(other, ['other:1']));
      store.fates.set('ImageAdded', ['late']);
      expect(await load(await dockerArchive(image, ['app:1']))).toEqual(failed);
      await remove('other:1');
      expect([removedLayers, blobs().includes(digestOf(image.tar).slice(7))]).toEqual([[], true]);
      await landed();
      await remove('app:1');
      expect([removedLayers, blobs()]).toEqual([[digestOf(image.tar)], []]);
    });

    test('an image that came to nothing keeps its blobs until it is added, or the next start', async () => {
      const image = await sample('1');
      store.fates.set('ImageAdded', ['lost', 'lost', 'full']);
      for (let times = 0; times < 2; times++) expect(await load(await dockerArchive(image, ['app:1']))).toEqual(failed);
      expect(blobs()).toContain(digestOf(image.tar).slice(7));
      late.stop();
      await streams.close();
      await start();
      expect(blobs()).toEqual([]);
      expect(await load(await dockerArchive(image, ['app:1']))).toMatchObject([{ error: 'the log is full' }]);
      expect(blobs()).toEqual([]);
    });

    test('an image that comes when its blobs are gone, after a restart, goes again', async () => {
      store.fates.set('ImageAdded', ['late']);
      expect(await load(await dockerArchive(await sample('1'), ['app:1']))).toEqual(failed);
      late.stop();
      await streams.close();
      await start();
      await landed();
      await expect.poll(async () => (await store.commitAt(await store.lastPosition()))?.events.at(-1)?.type).toBe('ImageRemoved');
      await expect(images.get({ image: 'app:1' } as never)).rejects.toMatchObject({ kind: 'not-found' });
    });

    test.each<Fate>(['unheard', 'late'])('layers and blobs of an image that was removed after all go with it (%s)', async (fate) => {
      const image = await sample('1');
      await load(await dockerArchive(image, ['app:1']));
      store.fates.set('ImageUntagged', [fate]);
      await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
      await landed();
      await expect.poll(() => [removedLayers, blobs()]).toEqual([[digestOf(image.tar)], []]);
    });

    test('an image whose removal comes when a container uses it is there again', async () => {
      const image = await sample('1');
      await load(await dockerArchive(image, ['app:1', 'app:2']));
      store.fates.set('ImageUntagged', ['late']);
      await expect(remove(image.id)).rejects.toMatchObject(notAnswered);
      users.push({ id: 'c'.repeat(64), imageId: image.id, status: 'running' });
      await landed();
      expect([await listed(), removedLayers]).toEqual([[[image.id, ['app:1', 'app:2']]], []]);
      expect(await images.get({ image: image.id } as never)).toMatchObject({ diffIds: [digestOf(image.tar)] });
    });

    test('an image whose removal comes when a container is being made of it is there again', async () => {
      const image = await sample('1');
      await load(await dockerArchive(image, ['app:1']));
      store.fates.set('ImageUntagged', ['late']);
      await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
      await images.hold({ image: 'app:1', container: 'c'.repeat(64) } as never);
      await landed();
      expect([await listed(), removedLayers]).toEqual([[[image.id, ['app:1']]], []]);
    });

    test('an image that was loaded again does not go for a removal from before', async () => {
      const image = await sample('1');
      await load(await dockerArchive(image, ['app:1']));
      store.fates.set('ImageUntagged', ['late']);
      await expect(remove('app:1')).rejects.toMatchObject(notAnswered);
      await load(await dockerArchive(image, ['app:1']));
      await landed();
      expect([await listed(), removedLayers]).toEqual([[[image.id, ['app:1']]], []]);
    });

    test('a tag whose move was cut short can move back', async () => {
      const [first, second] = [await sample('1'), await sample('2')];
      await load(await dockerArchive(first, ['app:1']));
      await load(await dockerArchive(second, ['other:1']));
      store.fates.set('ImageUntagged', ['lost', 'lost']);
      await expect(tag(second.id, 'app:1')).rejects.toMatchObject(notAnswered);
      expect((await images.get({ image: 'app:1' } as never)).id).toBe(second.id);
      await expect(tag(first.id, 'app:1')).rejects.toMatchObject(notAnswered);
      expect((await images.get({ image: 'app:1' } as never)).id).toBe(first.id);
      await load(await dockerArchive(second, ['app:1']));
      expect(await listed()).toEqual([[first.id, []], [second.id, ['app:1', 'other:1']]].sort());
    });

    test('a tag that moves late does not take it from who got it since', async () => {
      const [first, second] = [await sample('1'), await sample('2')];
      await load(await dockerArchive(first, ['one:1']));
      await load(await dockerArchive(second, ['two:1']));
      store.fates.set('ImageTagged', ['late']);
      await expect(tag(first.id, 'app:1')).rejects.toMatchObject(notAnswered);
      await tag(second.id, 'app:1');
      await landed();
      await expect.poll(listed).toEqual([[first.id, ['one:1']], [second.id, ['app:1', 'two:1']]].sort());
    });

    test('a layer that is about to be an image\'s is not removed with another one', async () => {
      const [image, other] = [await sample('1'), await sample('1', 'somebody')];
      await load(await dockerArchive(other, ['other:1']));
      const [asked, unpacks] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      // First what the archive holds, then what is to be on the log.
      let times = 0;
      unpacking = () => {
        if (++times === 1) return Promise.resolve();
        asked.resolve();
        return unpacks.promise;
      };
      const loading = load(await dockerArchive(image, ['app:1']));
      await asked.promise;
      await remove('other:1');
      unpacks.resolve();
      await loading;
      expect([removedLayers, await listed()]).toEqual([[], [[image.id, ['app:1']]]]);
    });
  });

  describe('pulled', () => {
    let registry: Server;
    let host: string;
    let image: Sample;
    let layer: Buffer;
    let requests: string[];

    beforeEach(async () => {
      image = await sample('1');
      layer = image.layer;
      requests = [];
      registry = createServer((request, response) => serve(request, response)).listen(0, '127.0.0.1');
      await once(registry, 'listening');
      host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
    });

    afterEach(() => registry.close());

    function serve(request: IncomingMessage, response: ServerResponse): void {
      const url = new URL(request.url ?? '/', `http://${host}`);
      requests.push(`${url.pathname} ${request.headers.authorization ?? ''}`);
      const send = (body: Buffer | string, type = 'application/octet-stream', status = 200): void => void response.writeHead(status, { 'content-type': type }).end(body);
      if (url.pathname === '/token') return send(JSON.stringify({ token: `for-${url.searchParams.get('scope')}` }), 'application/json');
      if (url.pathname === '/elsewhere') return send(layer);
      if (request.headers.authorization !== 'Bearer for-repository:me/app:pull') {
        response.setHeader('www-authenticate', `Bearer realm="http://${host}/token",service="s",scope="repository:me/app:pull"`);
        return send('{}', 'application/json', 401);
      }
      const index = JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(image.manifest), size: image.manifest.length, platform: { os: 'linux', architecture: 'amd64' } }],
      });
      if (url.pathname === '/v2/me/app/manifests/1') return send(index, 'application/vnd.oci.image.index.v1+json');
      if (url.pathname === `/v2/me/app/manifests/${digestOf(image.manifest)}`) return send(image.manifest, 'application/vnd.oci.image.manifest.v1+json');
      if (url.pathname === `/v2/me/app/blobs/${image.id}`) return send(image.config);
      if (url.pathname === `/v2/me/app/blobs/${digestOf(image.layer)}`) return void response.writeHead(307, { location: '/elsewhere' }).end();
      send(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }), 'application/json', 404);
    }

    const pull = async (tag: string): Promise<Record<string, unknown>[]> => lines(await talk(await images.pull(Object.assign(new PullImage(), { reference: `${host}/me/app:${tag}`, platform: 'linux/amd64' }), asked)));

    test('an image comes from a registry that wants a token, and is up to date after that', async () => {
      const told = await pull('1');
      const id = digestOf(image.layer).slice(7, 19);
      expect(told[0]).toEqual({ status: 'Pulling from me/app', id: '1' });
      expect(told).toContainEqual({ status: 'Pulling fs layer', progressDetail: {}, id });
      expect(told).toContainEqual({ status: 'Download complete', progressDetail: {}, id });
      expect(told).toContainEqual({ status: 'Pull complete', progressDetail: {}, id });
      expect(told.at(-1)).toEqual({ status: `Status: Downloaded newer image for ${host}/me/app:1` });
      const view = await images.get({ image: `${host}/me/app:1` } as never);
      expect(view.id).toBe(image.id);
      expect(view.repoDigests[0]).toMatch(new RegExp(`^${host}/me/app@sha256:`));
      expect((await images.get({ image: view.repoDigests[0] } as never)).id).toBe(image.id);
      expect((await pull('1')).at(-1)).toEqual({ status: `Status: Image is up to date for ${host}/me/app:1` });
    });

    test('an unknown tag is refused before any line', async () => {
      await expect(pull('none')).rejects.toMatchObject({ kind: 'not-found', message: `manifest for ${host}/me/app:none not found: manifest unknown: manifest unknown` });
    });

    test('bytes that are not the layer are refused, and nothing of it stays', async () => {
      layer = Buffer.from(image.layer);
      layer[layer.length - 1]! ^= 1;
      expect((await pull('1')).at(-1)).toMatchObject({ error: expect.stringContaining('damaged') as string });
      expect(blobs()).toEqual([]);
      expect((await images.list()).images).toEqual([]);
    });
  });
});
