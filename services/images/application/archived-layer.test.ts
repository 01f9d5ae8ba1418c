import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TAR_LIMITS } from '#libs/oci/tar-reader.js';
import { digestOf } from '#libs/oci/digest.js';
import { tarOf } from '../../../test/fixtures/image-archive.js';
import { ContentStore } from '../adapters/content-store.js';
import { archivedLayer } from './archived-layer.js';

const LIMITS = { ...TAR_LIMITS, totalBytes: 1 << 20, trailingBytes: 1 << 20 };
const xz = (bytes: Buffer): Buffer => execFileSync('xz', ['-0'], { input: bytes, maxBuffer: 1 << 28 });
let top: string;
let content: ContentStore;
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'archived-'));
  content = new ContentStore(top);
  await content.open((error) => expect.unreachable(String(error)));
});
afterEach(() => rmSync(top, { recursive: true }));

test('what no layer may be compressed with is kept plain', async () => {
  const tar = await tarOf([{ path: 'word', body: Buffer.from('aye\n') }]);
  const lease = content.lease();
  expect(await archivedLayer(await lease.ingest(Readable.from([xz(tar)])), content, lease, LIMITS)).toMatchObject({ digest: digestOf(tar), size: tar.length });
});

test.each([
  ['files that are larger than a layer may be', () => tarOf([{ path: 'large', body: Buffer.alloc(64 << 20) }]), { kind: 'invalid' }],
  ['what goes on behind the end', () => Promise.resolve(Buffer.alloc(64 << 20)), { kind: 'invalid' }],
  ['what is no archive', () => Promise.resolve(Buffer.alloc(64 << 20, 'x')), { kind: 'unclassified', message: 'archive/tar: invalid tar header' }],
])('%s: little of it is written out', async (_, made, told) => {
  const lease = content.lease();
  const blob = await lease.ingest(Readable.from([xz(await made())]));
  let most = 0;
  const begin = content.begin.bind(content);
  content.begin = async (expected) => {
    const ingest = await begin(expected);
    const append = ingest.append.bind(ingest);
    ingest.append = (source) => append(source).finally(() => (most = ingest.sizeBytes));
    return ingest;
  };
  await expect(archivedLayer(blob, content, lease, LIMITS)).rejects.toMatchObject(told);
  expect(most).toBeLessThan(4 << 20);
  expect(readdirSync(join(top, 'content/ingest'))).toEqual([]);
});
