import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../e2e/engine.js';
import { compileStatic } from '../fixtures/compile.js';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';

const ROUNDS = 6;

const secret = mkdtempSync('/var/tmp/berth-secret-');
mkdirSync(join(secret, 'inner'), { mode: 0o700 });
writeFileSync(join(secret, 'inner', 'file'), 'secret\n', { mode: 0o600 });
const stateOfSecret = (): unknown => ({
  names: [readdirSync(secret), readdirSync(join(secret, 'inner'))],
  text: readFileSync(join(secret, 'inner', 'file'), 'utf8'),
  facts: ['.', 'inner', 'inner/file'].map((name) => statSync(join(secret, name))).map(({ mode, uid, gid, nlink, ino, mtimeMs, ctimeMs }) => ({ mode, uid, gid, nlink, ino, mtimeMs, ctimeMs })),
});
const before = stateOfSecret();

let engine: TestEngine;
let swapper: ChildProcess;
beforeAll(async () => {
  engine = await startEngine();
  const program = await compileStatic('test/intruder/swap', 'swap');
  const layer = await tarOf(shellTree([{ path: 'swap', mode: 0o755, body: readFileSync(program) }]));
  expect(await engine.docker(['load', '--quiet'], await imageArchive({ tag: 'swap', layers: [layer] }))).toMatchObject({ code: 0 });
  swapper = spawn(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['run', '--rm', '-i', '--name', 'swapper', '-v', 'shared:/shared', 'swap', '/swap', '/shared', 'way', 'link', secret], {
    env: { PATH: process.env['PATH'] ?? '', HOME: engine.settings.dataRoot, DOCKER_HOST: `unix://${engine.socket}` },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve) => createInterface({ input: swapper.stdout! }).once('line', () => resolve()));
}, 120_000);
afterAll(async () => {
  const ended = new Promise((resolve) => swapper.once('close', resolve));
  swapper.stdin?.end('stop\n');
  await ended;
  expect(swapper.exitCode).toBe(0); // it did exchange
  await engine.stop();
  rmSync(secret, { recursive: true });
}, 60_000);

/** Some of the attempts fail, since the path is gone while it is walked: that is an answer too. */
async function attempts(args: (round: number) => readonly string[]): Promise<string> {
  let all = '';
  for (let round = 0; round < ROUNDS; round++) {
    const { stdout, stderr } = await engine.docker(args(round));
    all += stdout + stderr;
  }
  return all;
}

test.each([
  ['a volume mounted below one that a container rearranges', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-v', `other:/data/way/inner/new-${round}`, 'swap', 'sh', '-c', 'cat /data/way/inner/file /data/way/file; echo x > /data/way/inner/file']],
  ['a tmpfs mounted there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '--tmpfs', `/data/way/inner/tmp-${round}`, 'swap', 'true']],
  ['a file of the host bound there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-v', `/etc/hostname:/data/way/inner/file-${round}`, 'swap', 'true']],
  ['a working directory there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-w', `/data/way/inner/work-${round}`, 'swap', 'sh', '-c', 'cat file; ls ..']],
] as const)('%s touches nothing of the host', async (_, args) => {
  expect(await attempts(args)).not.toContain('secret\n');
  expect(stateOfSecret()).toEqual(before);
}, 60_000);

test('a command executed in a directory that is exchanged stays in the container', async () => {
  await engine.docker(['exec', 'swapper', 'mkdir', '-p', '/shared/way/inner']);
  expect(await attempts(() => ['exec', '-w', '/shared/way/inner', 'swapper', 'sh', '-c', 'cat file; ls; pwd'])).not.toContain('secret\n');
  expect(stateOfSecret()).toEqual(before);
}, 60_000);
