import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** The API's socket held by another (sd_listen_fds(3)), as berth.socket does it. systemd-socket-activate(1) starts the supervisor at the first connection. */
const there = spawnSync('systemd-socket-activate', ['--version']).status === 0;
const runRoot = `/run/berth-test-${randomBytes(3).toString('hex')}`;
const socket = `${runRoot}/docker.sock`;
const ACTIVATE = 'mkdir -p "$BERTH_RUN_ROOT" && set -- systemd-socket-activate --listen="$BERTH_SOCKET" $(env | sed -n "s/^\\([A-Z_]*\\)=.*/--setenv=\\1/p") "$@"';
let engine: TestEngine | undefined;
let first: string;

beforeAll(async () => {
  if (!there) return;
  const asked = (async () => {
    while (!existsSync(socket)) await sleep(10);
    return ping();
  })();
  [engine, first] = await Promise.all([startEngine({ BERTH_RUN_ROOT: runRoot, BERTH_SOCKET: socket }, ACTIVATE), asked]);
}, patience(90_000));
afterAll(() => engine?.stop(), patience(60_000));

test.skipIf(!there)('a request from before the engine was there is answered', () => expect(first).toBe('OK'));

test.skipIf(!there)('while the engine is gone, requests wait for its successor', { timeout: patience(60_000) }, async () => {
  const gone = engine?.pid('engine');
  if (gone === undefined) throw new Error('the engine does not run');
  process.kill(gone, 'SIGKILL');
  while (existsSync(`/proc/${gone}`)) await sleep(1);
  expect(await Promise.all([ping(), ping(), ping()])).toEqual(['OK', 'OK', 'OK']);
  expect(engine?.pid('engine')).not.toBe(gone);
});

function ping(): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ socketPath: socket, path: '/_ping', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => resolve(body));
    }).on('error', reject);
  });
}
