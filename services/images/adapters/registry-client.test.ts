import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTagged } from '#libs/oci/reference.js';
import { RegistryClient } from './registry-client.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

let server: Server;
let client: RegistryClient;
beforeEach(async () => {
  // Gives the first bytes of a blob, and no more.
  server = createServer((_request, response) => void response.writeHead(200, { 'content-length': 1000 }).write('begun'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new RegistryClient(parseTagged(`127.0.0.1:${(server.address() as AddressInfo).port}/sea/slow`), undefined);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a blob that is given up before anybody reads it fails when it is read, and nowhere else', async () => {
  const gone = new AbortController();
  const bytes = await client.blob(DIGEST, gone.signal);
  gone.abort(new Error('another layer is damaged'));
  // An error that nobody listened for would come in one of these, and end the process.
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  await expect(bytes[Symbol.asyncIterator]().next()).rejects.toThrow('another layer is damaged');
});
