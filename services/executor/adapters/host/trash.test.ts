import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { patience } from '../../../../test/engine/patience.js';
import { TreeThreads } from '../trees/tree-threads.js';
import { Trash } from './trash.js';

let top: string;
let threads: TreeThreads;
let trash: Trash;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'trash-'));
  mkdirSync(join(top, 'trash'));
  threads = new TreeThreads();
  trash = new Trash(join(top, 'trash'), threads, (error) => expect.fail(String(error)));
});
afterEach(async () => {
  trash.close();
  await threads.close();
  rmSync(top, { recursive: true });
});

test('a path that comes again before its first tree is off the disk is taken again', async () => {
  const path = join(top, 'tree');
  for (const round of ['first', 'second']) {
    mkdirSync(path);
    writeFileSync(join(path, 'file'), round);
    trash.take(path);
    expect(existsSync(path)).toBe(false);
  }
  await expect.poll(() => readdirSync(join(top, 'trash')), { timeout: patience(20_000) }).toEqual([]);
});

test('where nothing is left no thread is asked', async () => {
  vi.useFakeTimers();
  const jobs: unknown[] = [];
  const idle = new Trash(join(top, 'trash'), { run: async (...job: unknown[]) => void jobs.push(job) } as unknown as TreeThreads, (error) => expect.fail(String(error)));
  idle.emptySoon();
  await vi.runAllTimersAsync();
  expect(jobs).toEqual([]);
  writeFileSync(join(top, 'trash', 'left'), '');
  idle.emptySoon();
  await vi.runAllTimersAsync();
  expect(jobs).toHaveLength(1);
  vi.useRealTimers();
});

test('a thread that is ended over it is no failure to tell of: the next start takes off what is left', async () => {
  const busy = new TreeThreads();
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  const errors: unknown[] = [];
  const stopping = new Trash(join(top, 'trash'), { run: (...job: Parameters<TreeThreads['run']>) => (isAsked(), busy.run(...job)) } as TreeThreads, (error) => errors.push(error));
  mkdirSync(join(top, 'tree'));
  await stopping.take(join(top, 'tree'));
  await asked;
  stopping.close();
  await busy.close();
  await new Promise(setImmediate);
  expect(errors).toEqual([]);
});

test('a tree that cannot be removed keeps no other on the disk, and is told of', async () => {
  const told = vi.fn<(error: unknown) => void>();
  const { promise: isTold, resolve } = Promise.withResolvers<void>();
  trash = new Trash(join(top, 'trash'), threads, (error) => (told(error), resolve()));
  for (const name of ['a-stuck', 'later']) {
    mkdirSync(join(top, name));
    writeFileSync(join(top, name, 'file'), '');
  }
  execFileSync('chattr', ['+i', join(top, 'a-stuck/file')]);
  for (const name of ['a-stuck', 'later']) trash.take(join(top, name));
  try {
    await isTold;
    expect(told.mock.calls.map(([error]) => String(error))).toEqual([expect.stringContaining('EPERM')]);
    expect(readdirSync(join(top, 'trash'))).toEqual([expect.stringContaining('a-stuck')]);
  } finally {
    execFileSync('chattr', ['-R', '-i', join(top, 'trash')]);
  }
});

test('what is removed while a tree is taken off is taken off after it, by no second thread', async () => {
  vi.useFakeTimers();
  try {
    const rounds: PromiseWithResolvers<void>[] = [];
    const busy = { run: () => (rounds.push(Promise.withResolvers<void>()), rounds.at(-1)!.promise) } as unknown as TreeThreads;
    const slow = new Trash(join(top, 'trash'), busy, (error) => expect.fail(String(error)));
    for (const name of ['first', 'second']) {
      mkdirSync(join(top, name));
      slow.take(join(top, name));
      await vi.advanceTimersByTimeAsync(1_000);
      expect(rounds).toHaveLength(1);
    }
    for (const ended of [0, 1]) {
      rounds[ended]!.resolve();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(rounds).toHaveLength(2);
    }
  } finally {
    vi.useRealTimers();
  }
});

test('a tree with the longest of names is taken, too', () => {
  const path = join(top, 'n'.repeat(255));
  mkdirSync(path);
  trash.take(path);
  expect(existsSync(path)).toBe(false);
});

test('nothing at the path changes nothing', async () => {
  trash.take(join(top, 'absent'));
  trash.take(join(top, 'n'.repeat(256)));
  expect(readdirSync(join(top, 'trash'))).toEqual([]);
});
