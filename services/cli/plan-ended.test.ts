import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Asks the engine for what has no end; a connection past the plan tells how long it lives. */
const CLIENT = `#!${process.execPath}
require('node:http').get({ socketPath: __dirname + '/engine.sock', path: '/alive' });
require('node:http').get({ socketPath: process.env.DOCKER_HOST.slice('unix://'.length), path: '/events' }).on('error', () => undefined);
setInterval(() => undefined, 1000);
`;

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('a plan that %s ends leaves no folder and no client behind', async (signal) => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-plan-'));
  const [temporary, docker, socket] = [join(folder, 'tmp'), join(folder, 'docker'), join(folder, 'engine.sock')];
  mkdirSync(temporary);
  writeFileSync(docker, CLIENT, { mode: 0o755 });
  const engine = createServer().listen(socket);
  await once(engine, 'listening');
  const plan = spawn(process.execPath, [join(import.meta.dirname, 'main.js'), 'plan', '--', docker, 'events'], { env: { TMPDIR: temporary, BERTH_SOCKET: socket }, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    const asked: IncomingMessage[] = [];
    engine.on('request', (request: IncomingMessage) => asked.push(request));
    while (asked.length < 2) await once(engine, 'request');
    expect(readdirSync(temporary)).toHaveLength(1);
    const left = Promise.all(asked.map(({ socket }) => once(socket, 'close')));
    plan.kill(signal);
    expect(await once(plan, 'exit')).toEqual([null, signal]);
    expect(readdirSync(temporary)).toEqual([]);
    await left;
  } finally {
    plan.kill('SIGKILL');
    engine.close();
    rmSync(folder, { recursive: true });
  }
});
