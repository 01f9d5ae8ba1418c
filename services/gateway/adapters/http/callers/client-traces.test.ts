import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stopTracing, type Tracer, useTracer } from '#libs/telemetry/tracing.js';
import { ClientTraces } from './client-traces.js';
import { actorOf, preparePeers } from './peer.js';

test('a command whose connection is closed before it is asked about is over, too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-traces-'));
  await preparePeers();
  let ended = 0;
  useTracer({ start: () => ({ traceparent: 'of a command', end: () => void ended++ }), stop: () => Promise.resolve() } as unknown as Tracer);
  const server = createServer().listen(join(directory, 'socket'));
  const command = spawn(process.execPath, ['-e', 'require("net").connect(process.argv[1]).on("error", () => 0); setInterval(() => 0, 1000)', join(directory, 'socket')], { stdio: 'ignore' });
  try {
    const [socket] = (await once(server, 'connection')) as [Socket];
    expect(actorOf(socket)).toContain(`pid:${command.pid}`);
    socket.destroy();
    await once(socket, 'close');
    expect(new ClientTraces().parentOf(socket)).toBe('of a command');
    await expect.poll(() => ended).toBe(1);
  } finally {
    command.kill();
    server.close();
    await stopTracing();
    rmSync(directory, { recursive: true });
  }
});
