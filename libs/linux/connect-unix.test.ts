import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectUnix } from './connect-unix.js';

test.each([1, 90, 200])('a socket is connected to below a folder whose name has %i letters', async (letters) => {
  const top = mkdtempSync(join(tmpdir(), 'berth-connect-'));
  const folder = join(top, 'f'.repeat(letters));
  mkdirSync(folder);
  const server = createServer((connection) => connection.end('hello'));
  try {
    await once(server.listen(join(top, 'socket')), 'listening');
    renameSync(join(top, 'socket'), join(folder, 'socket'));
    const [said] = await once(connectUnix(join(folder, 'socket')), 'data');
    expect(String(said)).toBe('hello');
    const [error] = await once(connectUnix(join(folder, 'nobody')), 'error');
    expect(error).toMatchObject({ code: 'ENOENT' });
    const [missing] = await once(connectUnix(join(`${folder}x`, 'socket')), 'error');
    expect(missing).toMatchObject({ code: 'ENOENT' });
  } finally {
    server.close();
    rmSync(top, { recursive: true });
  }
});
