import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { TestEngine } from '../engine/engine.js';
import { compileStatic } from '../fixtures/compile.js';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';

/** Loads the image with the program that pounces on what is being born in its container. */
export async function loadPounce(engine: TestEngine): Promise<void> {
  const program = await compileStatic('test/intruder/pounce', 'pounce');
  const layer = await tarOf(shellTree([{ path: 'pounce', mode: 0o755, body: readFileSync(program) }]));
  expect(await engine.docker(['load', '--quiet'], await imageArchive({ tag: 'pounce', layers: [layer] }))).toMatchObject({ code: 0 });
}

export interface Pounce {
  /** Options of the watching container. */
  readonly options?: readonly string[];
  /** Of the program: 'trace' lets it stop what it sees, too. */
  readonly args?: readonly string[];
  /** Arguments of the docker CLI that have one born; absent: an exec. */
  readonly birth?: readonly string[];
  /** How many are born. */
  readonly births: number;
  /** Enough was seen: no more are born. */
  readonly until?: (got: readonly string[]) => boolean;
}

/** What a container got hold of while processes were born in it, one after the other: the watcher looks at the newest. */
export async function pounceOn(engine: TestEngine, { options = [], args = [], birth = ['exec', 'pounce', '/bin/true'], births, until = () => false }: Pounce): Promise<readonly string[]> {
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
  for (let count = 0; count < births && !until(got); count++) expect(await engine.docker(birth)).toMatchObject({ stdout: '', stderr: '', code: 0 });
  watcher.stdin.end('stop\n');
  await ended;
  return got;
}
