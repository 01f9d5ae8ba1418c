import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from './engine.js';
import { patience } from './patience.js';

/** A line is its number and a filling: 100 bytes. */
const LINES = 1_000_000;
const WRITER = `awk 'BEGIN { filling = sprintf("%90s", "."); for (i = 0; i < ${LINES}; i++) printf "%08d %s\\n", i, filling }'`;

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));

afterAll(async () => {
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);

/** `docker logs` in a process of its own, read line by line. */
function logs(...args: string[]) {
  const child = spawn(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['logs', ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: '/', DOCKER_HOST: `unix://${engine.socket}` }, stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout }) };
}

/** The first and the last number, and how often one did not follow the one before. */
async function numbers(lines: AsyncIterable<string>): Promise<{ readonly first: number; readonly last: number; readonly gaps: number }> {
  let first = Number.NaN;
  let last = Number.NaN;
  let gaps = 0;
  for await (const line of lines) {
    const number = Number(line.slice(0, 8));
    if (Number.isNaN(first)) first = number;
    else if (number !== last + 1) gaps++;
    last = number;
  }
  return { first, last, gaps };
}

test('100 MB are followed whole and in order while they are rotated away, beside a reader that stands still and one that leaves', async () => {
  // It waits for its readers: what was rotated away before one came is gone by right.
  await docker('run', '-d', '--name', 'talker', '--log-opt', 'max-size=8m', '--log-opt', 'max-file=3', 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${WRITER}`);
  const [whole, still, leaving] = [logs('-f', 'talker'), logs('-f', 'talker'), logs('-f', 'talker')];
  const read = numbers(whole.lines);
  still.lines.pause();
  still.child.stdout.pause();
  await once(leaving.lines, 'line');
  await docker('exec', 'talker', 'touch', '/go');
  await once(leaving.lines, 'line');
  leaving.child.kill('SIGKILL');
  expect(await docker('wait', 'talker')).toMatchObject({ stdout: '0\n' });
  expect(await read).toEqual({ first: -1, last: LINES - 1, gaps: 0 });
  // Who stood still has missed nothing either.
  still.child.stdout.resume();
  still.lines.resume();
  expect(await numbers(still.lines)).toEqual({ first: -1, last: LINES - 1, gaps: 0 });

  const folder = join(engine.settings.dataRoot, 'containers', (await docker('inspect', '--format', '{{.Id}}', 'talker')).stdout.trim());
  const files = readdirSync(folder).filter((name) => name.includes('-json.log'));
  expect(files).toHaveLength(3);
  for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThan(8 * 1024 * 1024 + 64 * 1024);
  const kept = await numbers(logs('talker').lines);
  expect(kept).toMatchObject({ last: LINES - 1, gaps: 0 });
  expect(kept.first).toBeGreaterThan(0);
  expect((await docker('logs', '--tail', '2', 'talker')).stdout.split('\n').map((line) => line.slice(0, 8))).toEqual([String(LINES - 2).padStart(8, '0'), String(LINES - 1).padStart(8, '0'), '']);
  await docker('rm', 'talker');
}, patience(120_000));

test('with one file alone, who follows reads on in the one that takes its place', async () => {
  await docker('run', '-d', '--name', 'short', '--log-opt', 'max-size=10k', 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${WRITER.replace(String(LINES), '2000')}`);
  const { lines } = logs('-f', 'short');
  const read = numbers(lines);
  await once(lines, 'line');
  await docker('exec', 'short', 'touch', '/go');
  await docker('wait', 'short');
  expect(await read).toMatchObject({ last: 1999 });
  await docker('rm', 'short');
});
