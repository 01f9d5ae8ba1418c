import { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { digestOf } from '#libs/oci/digest.js';
import type { ContentStore } from '../adapters/content-store.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import { sample } from '../testing/sample-image.js';
import type { CollectBlobs } from './collect-blobs.js';
import type { ImageAggregates, ImageDirectory } from './image-directory.js';
import { SaveArchive } from './save-images.js';

test('a client that leaves before a blob is read leaves no open file of it', async () => {
  const { config, layer, manifest } = await sample('1');
  const image: PresentImage = { status: 'present', configDigest: digestOf(config), manifestDigest: digestOf(manifest), layers: [{ digest: digestOf(layer), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', diffId: digestOf(layer), chainId: digestOf(layer), sizeBytes: 1 }], sizeBytes: 1, addedAt: '', tags: [], digests: [] };
  const gone = Promise.withResolvers<void>();
  const opened: Readable[] = [];
  const content = {
    lease: () => ({ digests: [], keep: async () => undefined, release: () => undefined }),
    read: async () => manifest,
    sizeOf: async () => (await gone.promise, layer.length),
    stream: () => (opened.push(Readable.from([layer])), opened.at(-1)),
  } as unknown as ContentStore;
  const collect = { unused: async () => undefined } as unknown as CollectBlobs;
  const client = new Writable({ write: (_bytes, _encoding, done) => done(new Error('the client left')) });
  const served = new SaveArchive({} as ImageAggregates, {} as ImageDirectory, content, collect).serve(client, new Map([[image, []]]));
  await expect(served).rejects.toThrow('the client left');
  gone.resolve();
  // What was under way when the client left comes to its end.
  await new Promise(setImmediate);
  expect(opened.filter((stream) => !stream.destroyed)).toEqual([]);
});
