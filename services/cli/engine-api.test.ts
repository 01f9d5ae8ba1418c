import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EngineApi } from './engine-api.js';

test.each([200, 404])('a character may be cut in two on its way (status %s)', async (status) => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-api-'));
  const server = createServer((_, answer) => {
    answer.statusCode = status;
    for (const byte of Buffer.from('{"message":"für"}')) answer.write(Buffer.of(byte));
    answer.end();
  });
  await once(server.listen(join(folder, 'socket')), 'listening');
  try {
    const asked = new EngineApi(join(folder, 'socket')).get<{ readonly message: string }>('/').catch((error: unknown) => error);
    expect(await asked).toMatchObject({ message: 'für' });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
