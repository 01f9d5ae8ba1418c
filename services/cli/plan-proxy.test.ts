import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PlanProxy } from './plan-proxy.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-test-plan-proxy-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the engine is not asked to close a connection on which the end of a request may still be written', async () => {
  const asked: unknown[] = [];
  const engine = createServer((incoming, reply) => {
    asked.push([incoming.method, incoming.headers.connection, incoming.headers['berth-dry-run']]);
    reply.writeHead(200, { 'content-type': 'application/json' }).end('{"events":[]}');
  });
  const engineSocket = join(folder, 'engine.sock');
  await new Promise<void>((resolve) => engine.listen(engineSocket, resolve));
  const proxy = new PlanProxy(engineSocket);
  await proxy.listen();
  try {
    const status = await new Promise((resolve, reject) => {
      const post = request({ socketPath: proxy.socketPath, path: '/containers/x/stop', method: 'POST', agent: false }, (answer) => resolve(answer.resume().statusCode));
      post.on('error', reject).end();
    });
    expect(status).toBe(204);
    expect(asked).toEqual([['POST', 'keep-alive', '1']]);
  } finally {
    proxy.close();
    engine.close();
  }
});
