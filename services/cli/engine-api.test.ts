import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EngineApi } from './engine-api.js';

/** What a question comes to, answer or error, where the engine answers as `reply` does. */
async function answered(reply: (answer: ServerResponse) => void): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-api-'));
  const server = createServer((_, answer) => reply(answer));
  await once(server.listen(join(folder, 'socket')), 'listening');
  try {
    return await new EngineApi(join(folder, 'socket')).get('/').catch((error: unknown) => error);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test.each([200, 404])('a character may be cut in two on its way (status %s)', async (status) => {
  const asked = answered((answer) => {
    answer.statusCode = status;
    for (const byte of Buffer.from('{"message":"für"}')) answer.write(Buffer.of(byte));
    answer.end();
  });
  expect(await asked).toMatchObject({ message: 'für' });
});

test.each([200, 404])('an engine that goes away in the middle of an answer was not reached (status %s)', async (status) => {
  const asked = answered((answer) => {
    answer.statusCode = status;
    answer.write('{"mess', () => answer.destroy());
  });
  expect(await asked).toMatchObject({ kind: 'unavailable', message: 'the engine closed the connection' });
});
