import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ContentStore } from '../adapters/content-store.js';
import { CollectBlobs } from './collect-blobs.js';

let top: string;
let store: ContentStore;
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'blobs-'));
  store = new ContentStore(top);
  await store.open((error) => expect.unreachable(String(error)));
});
afterEach(() => rmSync(top, { recursive: true }));

test('a blob of an image that came while another one was removed stays', async () => {
  const images: object[] = [];
  const collect = new CollectBlobs({ all: () => images } as never, store, (error) => expect.unreachable(String(error)));
  const [failed, other] = [store.lease(), store.lease()];
  const { digest: first } = await failed.put(Buffer.from('first'));
  const { digest: shared } = await failed.put(Buffer.from('shared'));
  await other.keep(shared);
  failed.release();
  const collecting = collect.unused(failed.digests);
  images.push({ configDigest: shared, manifestDigest: shared, layers: [], digests: [] });
  other.release();
  await collecting;
  expect([await store.sizeOf(first), await store.sizeOf(shared)]).toEqual([undefined, 6]);
});
