import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { patience } from '../../../test/engine/patience.js';
import { isRunning, processOf, type ProcessIdentity } from './process-file.js';
import { Service } from './service.js';

/** Of a process that is started, or writes: on a machine that does other things too. */
const SOON_MS = patience(25_000);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-service-'))));
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** A service, and who it was started as. */
function serviceOf(...command: string[]): ReturnType<typeof loggingService> {
  return loggingService('log', command);
}

function loggingService(logFile: string, command: readonly string[]): { readonly service: Service; readonly started: ProcessIdentity[] } {
  const started: ProcessIdentity[] = [];
  const place = (name: string): string => join(folder, name);
  const spec = { name: 'one', command, environment: { PATH: process.env['PATH'] ?? '' }, directory: '/', logFile: place(logFile), pidFile: place('pid'), readyFile: place('ready'), stopTimeoutMs: 5_000 };
  const service = new Service(spec, (line) => {
    const identity = processOf(Number(/started as (\d+)/.exec(line)?.[1]));
    if (identity !== undefined) started.push(identity);
  });
  return { service, started };
}

test('one that is stopped before it has written its pid is gone', async () => {
  execFileSync('mkfifo', [join(folder, 'pid.new')]); // it is not written while nobody reads it
  const { service, started } = serviceOf('sleep', '1000');
  const kept = service.keepAlive();
  expect(existsSync(join(folder, 'pid'))).toBe(false);
  await service.stop();
  await kept;
  expect(started.map(isRunning)).toEqual([false]);
});

test('one that makes a folder where it is to tell that it is ready is ended and started like every other', async () => {
  const { service, started } = serviceOf('sh', '-c', 'mkdir -p "$0"; exec sleep 1000', join(folder, 'ready'));
  const kept = service.keepAlive();
  await vi.waitFor(() => expect(service.isReady()).toBe(true), { timeout: SOON_MS });
  process.kill(started[0]?.pid ?? 0, 'SIGKILL');
  await vi.waitFor(() => expect(started).toHaveLength(2), { timeout: SOON_MS });
  await service.stop();
  await kept;
  expect(started.map(isRunning)).toEqual([false, false]);
});

test('one whose log cannot be opened is tried again, and one whose log was cleared away with its folder begins another', async () => {
  mkdirSync(join(folder, 'logs/one'), { recursive: true }); // a folder in place of the log: nobody opens it to write
  const { service, started } = loggingService('logs/one', ['sh', '-c', 'echo here; exec sleep 1000']);
  const kept = service.keepAlive();
  rmSync(join(folder, 'logs'), { recursive: true });
  await vi.waitFor(() => expect(started).toHaveLength(1), { timeout: SOON_MS });
  await vi.waitFor(() => expect(readFileSync(join(folder, 'logs/one'), 'utf8')).toBe('here\n'), { timeout: SOON_MS });
  await service.stop();
  await kept;
});

test('the log of one that runs is cut once a minute, and what was in it is kept', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  writeFileSync(join(folder, 'log'), 'before\n');
  const { service } = serviceOf('sh', '-c', 'head -c 11000000 /dev/zero; touch "$0"; while [ ! -e "$0.go" ]; do sleep 0.02; done; echo after; exec sleep 1000', join(folder, 'written'));
  const kept = service.keepAlive();
  await vi.waitFor(() => expect(existsSync(join(folder, 'written'))).toBe(true), { timeout: SOON_MS });
  vi.advanceTimersByTime(60_000);
  await vi.waitFor(() => expect(statSync(join(folder, 'log')).size).toBe(0), { timeout: SOON_MS });
  expect(statSync(join(folder, 'log.1')).size).toBe(11_000_007);
  writeFileSync(join(folder, 'written.go'), '');
  await vi.waitFor(() => expect(statSync(join(folder, 'log')).size).toBe('after\n'.length), { timeout: SOON_MS });
  await service.stop();
  await kept;
}, patience(90_000));
