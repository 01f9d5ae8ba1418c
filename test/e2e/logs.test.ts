import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** A line is its number and a filling: 100 bytes. `npm run test:gigabyte` has ten times as many, a virtual machine a fifth. */
const LINES = Number(process.env['TEST_LOG_LINES'] ?? 1_000_000);
/** Of a record in the log file, at least; and what a reader that stands still may have it hold of rotated files (log-files.ts). */
const RECORD_BYTES = 170;
const HELD_BYTES = 1 << 30;
/** What following, rotating and being read may add to a process, however much is written. */
const MOST_GROWTH_KIB = 64 * 1024;
const written = (lines: number, afterEach = ''): string => `awk 'BEGIN { filling = sprintf("%90s", "."); for (i = 0; i < ${lines}; i++) { printf "%08d %s\\n", i, filling; ${afterEach} } }'`;
/** What is rotated away before a reader came is gone by right, and on a busy machine one may come late. */
const resting = (every: number): string => `if (i % ${every} == 0) { fflush(); system("sleep 0.03") }`;

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));

afterAll(async () => {
  await engine?.stop();
}, patience(60_000));

/** Of `docker logs`, as long as they run. */
const readers = new Set<ChildProcess>();
afterEach(() => {
  for (const reader of readers) reader.kill('SIGKILL');
});

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);

/** `docker logs` in a process of its own, read line by line. */
function logs(...args: string[]) {
  const child = spawn(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['logs', ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: '/', DOCKER_HOST: `unix://${engine.socket}` }, stdio: ['ignore', 'pipe', 'pipe'] });
  readers.add(child);
  child.once('exit', () => readers.delete(child));
  return { child, lines: createInterface({ input: child.stdout }), complaint: text(child.stderr) };
}

/** The most memory that a process has had since `forgetPeak`, proc(5). */
const peakKib = (pid: number): number => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** The processes through which output goes, by name: memory at its peak is compared. */
async function keepers(container: string): Promise<Map<string, number>> {
  const init = (await docker('inspect', '--format', '{{.State.Pid}}', container)).stdout.trim();
  const shim = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
  return new Map([['shim', shim], ['executor', engine.pid('executor') ?? 0], ['engine', engine.pid('engine') ?? 0]]);
}

/** The first and the last number, and how often one did not follow the one before. */
const numbers = (lines: AsyncIterable<string>) => numbersUntil(lines, Number.NaN);

/** The same, not read on after the number `end`. */
async function numbersUntil(lines: AsyncIterable<string>, end: number): Promise<{ readonly first: number; readonly last: number; readonly gaps: number }> {
  let first = Number.NaN;
  let last = Number.NaN;
  let gaps = 0;
  for await (const line of lines) {
    const number = Number(line.slice(0, 8));
    if (Number.isNaN(first)) first = number;
    else if (number !== last + 1) gaps++;
    last = number;
    if (number === end) break;
  }
  return { first, last, gaps };
}

test(`${LINES / 10_000} MB are followed whole and in order while they are rotated away, beside a reader that stands still and one that leaves, and memory stays flat`, async () => {
  // It waits for its readers: what was rotated away before one came is gone by right.
  await docker('run', '-d', '--name', 'talker', '--log-opt', 'max-size=8m', '--log-opt', 'max-file=3', 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${written(LINES, resting(20_000))}; while [ ! -e /end ]; do sleep 0.05; done`);
  const [whole, still, leaving] = [logs('-f', 'talker'), logs('-f', 'talker'), logs('-f', 'talker')];
  const read = numbersUntil(whole.lines, LINES - 1);
  still.lines.pause();
  still.child.stdout.pause();
  await once(leaving.lines, 'line');
  const pids = await keepers('talker');
  for (const pid of pids.values()) forgetPeak(pid);
  const before = new Map([...pids].map(([name, pid]) => [name, peakKib(pid)]));
  await docker('exec', 'talker', 'touch', '/go');
  await once(leaving.lines, 'line');
  leaving.child.kill('SIGKILL');
  // It stays a moment, so that its shim can be looked at.
  expect(await read).toEqual({ first: -1, last: LINES - 1, gaps: 0 });
  for (const [name, pid] of pids) expect(peakKib(pid) - (before.get(name) ?? 0), `what ${name} has grown by, in KiB`).toBeLessThan(MOST_GROWTH_KIB);
  await docker('exec', 'talker', 'touch', '/end');
  expect(await docker('wait', 'talker')).toMatchObject({ stdout: '0\n' });
  still.child.stdout.resume();
  still.lines.resume();
  const late = await numbers(still.lines);
  if (LINES * RECORD_BYTES < HELD_BYTES) expect(late).toEqual({ first: -1, last: LINES - 1, gaps: 0 }); // who stood still has missed nothing either
  else expect(await still.complaint).toContain('bytes behind'); // so much is not held for anybody: it is told, and has no gap before
  expect(late.gaps).toBe(0);

  const folder = join(engine.settings.dataRoot, 'containers', (await docker('inspect', '--format', '{{.Id}}', 'talker')).stdout.trim());
  const files = readdirSync(folder).filter((name) => name.includes('-json.log'));
  expect(files).toHaveLength(3);
  for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThan(8 * 1024 * 1024 + 64 * 1024);
  const kept = await numbers(logs('talker').lines);
  expect(kept).toMatchObject({ last: LINES - 1, gaps: 0 });
  expect(kept.first).toBeGreaterThan(0);
  expect((await docker('logs', '--tail', '2', 'talker')).stdout.split('\n').map((line) => line.slice(0, 8))).toEqual([String(LINES - 2).padStart(8, '0'), String(LINES - 1).padStart(8, '0'), '']);
  await docker('rm', 'talker');
}, patience(LINES > 1_000_000 ? 900_000 : 120_000));

test('with one file alone, who follows reads on in the one that takes its place', async () => {
  await docker('run', '-d', '--name', 'short', '--log-opt', 'max-size=10k', 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${written(2000)}`);
  const { lines } = logs('-f', 'short');
  const read = numbers(lines);
  await once(lines, 'line');
  await docker('exec', 'short', 'touch', '/go');
  await docker('wait', 'short');
  expect(await read).toMatchObject({ last: 1999 });
  await docker('rm', 'short');
});

const logFiles = async (container: string): Promise<readonly string[]> => {
  const folder = join(engine.settings.dataRoot, 'containers', (await docker('inspect', '--format', '{{.Id}}', container)).stdout.trim());
  return readdirSync(folder).flatMap((name) => (/-json\.log(.*)/.exec(name)?.[1] ?? [])).toSorted();
};
const first = (text: string): string => text.slice(0, 8);

test.each([
  ['json-file', ['--log-opt', 'max-size=400k', '--log-opt', 'max-file=4', '--log-opt', 'compress=true']],
  ['local', ['--log-driver', 'local', '--log-opt', 'max-size=400k', '--log-opt', 'max-file=4']],
])('of %s what is rotated is compressed, whoever reads it meanwhile and however often the executor dies', async (driver, options) => {
  const name = `packed-${driver}`;
  const lines = 30_000;
  const writer = written(lines, resting(1000));
  await docker('run', '-d', '--name', name, ...options, 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${writer}; while [ ! -e /again ]; do sleep 0.05; done; ${writer}`);
  const reader = logs('-f', name);
  const followed = numbersUntil(reader.lines, lines - 1);
  await once(reader.lines, 'line');
  await docker('exec', name, 'touch', '/go');
  expect(await followed).toEqual({ first: -1, last: lines - 1, gaps: 0 });
  reader.child.kill();
  await expect.poll(() => logFiles(name), { timeout: patience(10_000) }).toEqual(['', '.1.gz', '.2.gz', '.3.gz']);
  const kept = await numbers(logs(name).lines);
  expect(kept).toMatchObject({ last: lines - 1, gaps: 0 });
  expect(kept.first).toBeGreaterThan(0);
  const tail = (await docker('logs', '--tail', '5000', name)).stdout.trim().split('\n').map(first);
  expect([tail.length, tail[0], tail.at(-1)]).toEqual([5000, String(lines - 5000).padStart(8, '0'), String(lines - 1).padStart(8, '0')]);

  await docker('exec', name, 'touch', '/again');
  for (let killed = 0; killed < 3; killed++) {
    const executor = engine.pid('executor') ?? 0;
    process.kill(executor, 'SIGKILL');
    await expect.poll(() => engine.pid('executor') ?? executor, { timeout: patience(20_000) }).not.toBe(executor);
  }
  await docker('wait', name);
  await expect.poll(() => logFiles(name), { timeout: patience(20_000) }).toEqual(['', '.1.gz', '.2.gz', '.3.gz']);
  expect(await numbers(logs(name).lines)).toMatchObject({ last: lines - 1, gaps: 0 });
  await docker('rm', name);
}, patience(120_000));

test('100 MB that are compressed while they are written leave memory as it was', async () => {
  await docker('run', '-d', '--name', 'dense', '--log-opt', 'max-size=8m', '--log-opt', 'max-file=3', '--log-opt', 'compress=true', 'busybox', 'sh', '-c', `while [ ! -e /go ]; do sleep 0.05; done; ${written(LINES)}; while [ ! -e /end ]; do sleep 0.05; done`);
  const pids = await keepers('dense');
  for (const pid of pids.values()) forgetPeak(pid);
  const before = new Map([...pids].map(([name, pid]) => [name, peakKib(pid)]));
  await docker('exec', 'dense', 'touch', '/go');
  await expect.poll(async () => (await docker('logs', '--tail', '1', 'dense')).stdout, { timeout: patience(60_000), interval: 500 }).toMatch(new RegExp(`^0*${LINES - 1} `));
  await expect.poll(() => logFiles('dense'), { timeout: patience(20_000) }).toEqual(['', '.1.gz', '.2.gz']);
  expect(await numbers(logs('dense').lines)).toMatchObject({ last: LINES - 1, gaps: 0 });
  for (const [name, pid] of pids) expect(peakKib(pid) - (before.get(name) ?? 0), `what ${name} has grown by, in KiB`).toBeLessThan(MOST_GROWTH_KIB);
  await docker('exec', 'dense', 'touch', '/end');
  await docker('wait', 'dense');
  await docker('rm', 'dense');
}, patience(LINES > 1_000_000 ? 900_000 : 120_000));

test('lines over 16 KiB are one line again, and what is no text is as dockerd shows it', async () => {
  await docker('run', '--name', 'odd', 'busybox', 'sh', '-c', `head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'a\\000b\\377c\\303\\050"\\\\\\t\\r\\n'; echo err >&2; printf 'no newline'`);
  const { stdout, stderr } = await docker('logs', 'odd');
  expect(stdout).toBe(`${'x'.repeat(40_000)}\na\0b\ufffdc\ufffd("\\\t\r\nno newline`);
  expect(stderr).toBe('err\n');
  await docker('rm', 'odd');
});
