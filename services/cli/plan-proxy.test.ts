import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { PlanProxy } from './plan-proxy.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-test-plan-proxy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let asked: { readonly method: string | undefined; readonly url: string | undefined; readonly connection: string | undefined; readonly dryRun: unknown }[];
let engine: Server;
let proxy: PlanProxy;
beforeEach(async () => {
  asked = [];
  engine = createServer(({ method, url, headers: { connection, 'berth-dry-run': dryRun } }, reply) => {
    asked.push({ method, url, connection, dryRun });
    if (url?.endsWith('/wait?condition=next-exit')) return; // of what does not run there is no end
    if (url?.includes('nobody')) reply.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"No such container: nobody"}');
    else reply.writeHead(200, { 'content-type': 'application/json' }).end('{"events":[]}');
  });
  const engineSocket = join(folder, 'engine.sock');
  await new Promise<void>((resolve) => engine.listen(engineSocket, resolve));
  proxy = new PlanProxy(engineSocket);
  await proxy.listen();
});
afterEach(() => {
  proxy.close();
  engine.close();
});

function post(path: string): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: proxy.socketPath, path, method: 'POST', agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    sent.on('error', reject).end();
  });
}

test('the engine is not asked to close a connection on which the end of a request may still be written', async () => {
  expect((await post('/containers/x/stop')).status).toBe(204);
  expect(asked).toMatchObject([{ method: 'POST', connection: 'keep-alive', dryRun: '1' }]);
});

test('a prune is answered as one that freed nothing: `docker system prune` goes on to the next', async () => {
  expect(await post('/v1.50/containers/prune')).toEqual({ status: 200, text: '{"SpaceReclaimed":0}' });
});

test('who waits for a container that is there is told of its end at once, as nothing is done that would bring one', async () => {
  expect(await post('/v1.50/containers/x/wait?condition=next-exit')).toEqual({ status: 200, text: '{"StatusCode":0}' });
  expect(asked).toMatchObject([{ method: 'GET', url: '/v1.50/containers/x/json' }]);
  expect((await post('/containers/nobody/wait')).status).toBe(404);
  expect(proxy.requests).toMatchObject([{ path: '/containers/x/wait', events: [] }, { path: '/containers/nobody/wait', refused: 'No such container: nobody' }]);
});
