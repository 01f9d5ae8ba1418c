import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { digestOf } from '#libs/oci/digest.js';
import { parseTagged } from '#libs/oci/reference.js';
import { ContentStore } from '../adapters/content-store.js';
import { RegistryClient } from '../adapters/registry-client.js';
import { BlobDownloads } from './blob-downloads.js';

test.each(['by a proxy', 'by none'])('a download that falls silent is gone on with where it did (%s)', async (way) => {
  const blob = Buffer.from('the first half, and the other one');
  const digest = digestOf(blob);
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    if (request.headers.range === undefined) return void response.writeHead(200, { 'content-length': blob.length }).write(blob.subarray(0, 15));
    return response.writeHead(206, { 'content-range': `bytes 15-${blob.length - 1}/${blob.length}` }).end(blob.subarray(15));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (way === 'by a proxy') vi.stubEnv('HTTP_PROXY', `http://${host}`);
  const repository = way === 'by a proxy' ? 'sea.example/sea/ship' : `${host}/sea/ship`;
  const top = mkdtempSync(join(tmpdir(), 'downloads-'));
  try {
    const content = new ContentStore(top);
    await content.open((error) => expect.unreachable(String(error)));
    const client = new RegistryClient(parseTagged(repository), undefined, ['sea.example']);
    const counts = { received: vi.fn(), resumed: vi.fn() };
    await new BlobDownloads(content, counts, 100).fetch(client, { mediaType: '', digest, size: blob.length }, content.lease(), new AbortController().signal);
    expect(existsSync(join(top, 'content/blobs/sha256', digest.slice('sha256:'.length)))).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=15-']);
    const sum = (count: typeof counts.received): number => count.mock.calls.reduce((bytes, [more]) => bytes + (more as number), 0);
    expect([sum(counts.received), sum(counts.resumed)]).toEqual([blob.length, 15]);
  } finally {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(top, { recursive: true });
  }
});
