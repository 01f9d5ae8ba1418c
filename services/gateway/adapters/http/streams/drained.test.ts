import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { drained } from './drained.js';

const server = createServer();
beforeEach(async () => void (await once(server.listen(0, '127.0.0.1'), 'listening')));
afterEach(() => void server.close());

/** An answer of more than sockets hold, and who reads none of it yet. */
async function answered(): Promise<{ readonly reply: ServerResponse; readonly client: IncomingMessage }> {
  const asked = once(server, 'request');
  const response = once(get({ port: (server.address() as AddressInfo).port, agent: false }), 'response');
  const [, reply] = (await asked) as [IncomingMessage, ServerResponse];
  reply.write(Buffer.alloc(32 << 20));
  const [client] = (await response) as [IncomingMessage];
  return { reply, client };
}

test.each(['reads', 'leaves'])('a client that %s lets the answer go on', async (does) => {
  const { reply, client } = await answered();
  let isDrained = false;
  const draining = drained(reply).then(() => (isDrained = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDrained).toBe(false);
  if (does === 'reads') client.resume();
  else client.destroy();
  await draining;
  await drained(reply); // at once
  client.destroy();
});
