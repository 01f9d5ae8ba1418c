import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '#libs/oci/digest.js';
import { ContentStore } from './content-store.js';

let dataRoot: string;
let store: ContentStore;
beforeEach(async () => {
  dataRoot = mkdtempSync(join(tmpdir(), 'berth-content-'));
  store = new ContentStore(dataRoot);
  await store.open((error) => expect.unreachable(String(error)));
});
afterEach(() => rmSync(dataRoot, { recursive: true }));

async function* given(...parts: string[]): AsyncGenerator<Buffer, void, void> {
  for (const part of parts) yield Buffer.from(part);
}

test('what comes for a blob and has another digest, or other bytes, is kept by no name', async () => {
  const digest = digestOf(Buffer.from('layer'));
  const lease = store.lease();
  await expect(lease.ingest(given('other'), { digest, sizeBytes: 5 })).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining(`blob ${digest} is damaged`) as string });
  await expect(lease.ingest(given('layer', 's'), { digest, sizeBytes: 5 })).rejects.toMatchObject({ kind: 'invalid' });
  await expect(lease.ingest(given('lay'), { digest, sizeBytes: 5 })).rejects.toMatchObject({ kind: 'invalid' });
  expect([await store.list(), readdirSync(join(dataRoot, 'content/ingest'))]).toEqual([[], []]);
  await lease.ingest(given('lay', 'er'), { digest, sizeBytes: 5 });
  expect(await store.list()).toEqual([digest]);
  lease.release();
});
