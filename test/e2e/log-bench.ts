import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** Of a record in the log file, at least; and what a reader that stands still may have it hold of rotated files (log-files.ts). */
const RECORD_BYTES = 170;
const HELD_BYTES = 1 << 30;
/** What following, rotating and being read may add to a process, however much is written. */
const MOST_GROWTH_KIB = 64 * 1024;
/** Writes lines of 100 bytes: a number and a filling. */
export const written = (lines: number, afterEach = ''): string => `awk 'BEGIN { filling = sprintf("%90s", "."); for (i = 0; i < ${lines}; i++) { printf "%08d %s\\n", i, filling; ${afterEach} } }'`;
/** What is rotated away before a reader came is gone by right, and on a busy machine one may come late. */
export const resting = (every: number): string => `if (i % ${every} == 0) { fflush(); system("sleep 0.03") }`;


/** `docker logs` in a process of its own, read line by line. */
interface LogReader {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly lines: Interface;
  readonly complaint: Promise<string>;
}

/** An engine with busybox, and readers of its containers' logs. Its hooks are those of whoever makes it. */
export class LogBench {
  private engine!: TestEngine; // there from beforeAll on
  /** Of `docker logs`, as long as they run. */
  private readonly readers = new Set<ChildProcess>();

  constructor() {
    beforeAll(async () => {
      this.engine = await startEngine();
      await this.engine.loadBusybox();
    }, patience(120_000));
    afterAll(() => this.engine?.stop(), patience(60_000));
    afterEach(() => {
      for (const reader of this.readers) reader.kill('SIGKILL');
    });
  }

  docker(...args: string[]): Promise<CliResult> {
    return this.engine.docker(args);
  }

  executor(): number | undefined {
    return this.engine.pid('executor');
  }

  logs(...args: string[]): LogReader {
    const child = spawn(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['logs', ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: '/', DOCKER_HOST: `unix://${this.engine.socket}` }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.readers.add(child);
    child.once('exit', () => this.readers.delete(child));
    return { child, lines: createInterface({ input: child.stdout }), complaint: text(child.stderr) };
  }

  async folder(container: string): Promise<string> {
    return join(this.engine.settings.dataRoot, 'containers', (await this.docker('inspect', '--format', '{{.Id}}', container)).stdout.trim());
  }

  /** What its log files are called, after the name of the newest. */
  async logFiles(container: string): Promise<readonly string[]> {
    return readdirSync(await this.folder(container)).flatMap((name) => (/-json\.log(.*)/.exec(name)?.[1] ?? [])).toSorted();
  }

  /** The processes through which output goes, by name: memory at its peak is compared. */
  async keepers(container: string): Promise<Map<string, number>> {
    const init = (await this.docker('inspect', '--format', '{{.State.Pid}}', container)).stdout.trim();
    const shim = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
    return new Map([['shim', shim], ['executor', this.engine.pid('executor') ?? 0], ['engine', this.engine.pid('engine') ?? 0]]);
  }
}

/** The most memory that a process has had since `forgetPeak`, proc(5). */
const peakKib = (pid: number): number => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const forgetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** The first and the last number, and how often one did not follow the one before. */
export const numbers = (lines: AsyncIterable<string>) => numbersUntil(lines, Number.NaN);

/** The same, not read on after the number `end`. */
export async function numbersUntil(lines: AsyncIterable<string>, end: number): Promise<{ readonly first: number; readonly last: number; readonly gaps: number }> {
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

/** So many lines are written while they are read, rotated and compressed. */
export function testFlood(bench: LogBench, lines: number): void {
  test(`${lines / 10_000} MB are followed whole and in order while they are rotated away, beside a reader that stands still and one that leaves, and memory stays flat`, async () => {
    // It waits for its readers: what was rotated away before one came is gone by right.
    await bench.docker('run', '-d', '--name', 'talker', '--log-opt', 'max-size=8m', '--log-opt', 'max-file=3', 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${written(lines, resting(20_000))}; while [ ! -e /end ]; do sleep 0.05; done`);
    const [whole, still, leaving] = [bench.logs('-f', 'talker'), bench.logs('-f', 'talker'), bench.logs('-f', 'talker')];
    const read = numbersUntil(whole.lines, lines - 1);
    still.lines.pause();
    still.child.stdout.pause();
    await once(leaving.lines, 'line');
    const pids = await bench.keepers('talker');
    for (const pid of pids.values()) forgetPeak(pid);
    const before = new Map([...pids].map(([name, pid]) => [name, peakKib(pid)]));
    await bench.docker('exec', 'talker', 'touch', '/go');
    await once(leaving.lines, 'line');
    leaving.child.kill('SIGKILL');
    // It stays a moment, so that its shim can be looked at.
    expect(await read).toEqual({ first: -1, last: lines - 1, gaps: 0 });
    for (const [name, pid] of pids) expect(peakKib(pid) - (before.get(name) ?? 0), `what ${name} has grown by, in KiB`).toBeLessThan(MOST_GROWTH_KIB);
    await bench.docker('exec', 'talker', 'touch', '/end');
    expect(await bench.docker('wait', 'talker')).toMatchObject({ stdout: '0\n' });
    still.child.stdout.resume();
    still.lines.resume();
    const late = await numbers(still.lines);
    if (lines * RECORD_BYTES < HELD_BYTES) expect(late).toEqual({ first: -1, last: lines - 1, gaps: 0 }); // who stood still has missed nothing either
    else expect(await still.complaint).toContain('bytes behind'); // so much is not held for anybody: it is told, and has no gap before
    expect(late.gaps).toBe(0);

    const folder = await bench.folder('talker');
    const files = readdirSync(folder).filter((name) => name.includes('-json.log'));
    expect(files).toHaveLength(3);
    for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThan(8 * 1024 * 1024 + 64 * 1024);
    const kept = await numbers(bench.logs('talker').lines);
    expect(kept).toMatchObject({ last: lines - 1, gaps: 0 });
    expect(kept.first).toBeGreaterThan(0);
    expect((await bench.docker('logs', '--tail', '2', 'talker')).stdout.split('\n').map((line) => line.slice(0, 8))).toEqual([String(lines - 2).padStart(8, '0'), String(lines - 1).padStart(8, '0'), '']);
    await bench.docker('rm', 'talker');
  }, patience(lines > 1_000_000 ? 900_000 : 120_000));

  test(`${lines / 10_000} MB that are compressed while they are written leave memory as it was`, async () => {
    await bench.docker('run', '-d', '--name', 'dense', '--log-opt', 'max-size=8m', '--log-opt', 'max-file=3', '--log-opt', 'compress=true', 'busybox', 'sh', '-c', `while [ ! -e /go ]; do sleep 0.05; done; ${written(lines)}; while [ ! -e /end ]; do sleep 0.05; done`);
    const pids = await bench.keepers('dense');
    for (const pid of pids.values()) forgetPeak(pid);
    const before = new Map([...pids].map(([name, pid]) => [name, peakKib(pid)]));
    await bench.docker('exec', 'dense', 'touch', '/go');
    await expect.poll(async () => (await bench.docker('logs', '--tail', '1', 'dense')).stdout, { timeout: patience(60_000), interval: 500 }).toMatch(new RegExp(`^0*${lines - 1} `));
    await expect.poll(() => bench.logFiles('dense'), { timeout: patience(20_000) }).toEqual(['', '.1.gz', '.2.gz']);
    expect(await numbers(bench.logs('dense').lines)).toMatchObject({ last: lines - 1, gaps: 0 });
    for (const [name, pid] of pids) expect(peakKib(pid) - (before.get(name) ?? 0), `what ${name} has grown by, in KiB`).toBeLessThan(MOST_GROWTH_KIB);
    await bench.docker('exec', 'dense', 'touch', '/end');
    await bench.docker('wait', 'dense');
    await bench.docker('rm', 'dense');
  }, patience(lines > 1_000_000 ? 900_000 : 120_000));
}
