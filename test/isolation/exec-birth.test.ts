import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../e2e/engine.js';
import { compileStatic } from '../fixtures/compile.js';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';

const EXECS = 25;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  const program = await compileStatic('test/intruder/pounce', 'pounce');
  const layer = await tarOf(shellTree([{ path: 'pounce', mode: 0o755, body: readFileSync(program) }]));
  expect(await engine.docker(['load', '--quiet'], await imageArchive({ tag: 'pounce', layers: [layer] }))).toMatchObject({ code: 0 });
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

/** What a container got hold of while `EXECS` execs were born in it. */
async function pounceOn(options: readonly string[], args: readonly string[] = []): Promise<readonly string[]> {
  const cli = process.env['BERTH_DOCKER_CLI'] ?? 'docker';
  const watcher = spawn(cli, ['run', '--rm', '-i', '--name', 'pounce', ...options, 'pounce', '/pounce', ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: engine.settings.dataRoot, DOCKER_HOST: `unix://${engine.socket}` },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const got: string[] = [];
  const ended = new Promise((resolve) => watcher.once('close', resolve));
  const lines = createInterface({ input: watcher.stdout });
  const ready = new Promise<void>((resolve) => lines.on('line', (line) => (line === 'ready' ? resolve() : void got.push(line.trim()))));
  await ready;
  // Its first output may come before the engine has noted that it runs.
  while ((await engine.docker(['inspect', '--format', '{{.State.Status}}', 'pounce'])).stdout !== 'running\n');
  // One after the other: the watcher looks at the newest process.
  for (let count = 0; count < EXECS; count++) expect(await engine.docker(['exec', 'pounce', '/bin/true'])).toEqual({ stdout: '', stderr: '', code: 0 });
  watcher.stdin.end('stop\n');
  await ended;
  return got;
}

test('a default container cannot look into an exec that is being born, nor stop it', async () => {
  expect(await pounceOn([], ['trace'])).toEqual([]);
});

test('a container that may trace sees no root but its own and no file of the host in an exec that is being born', async () => {
  expect(await pounceOn(['--cap-add', 'SYS_PTRACE'])).toEqual([]);
});
