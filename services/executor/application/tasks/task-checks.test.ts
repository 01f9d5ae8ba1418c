import { beforeEach, expect, test } from 'vitest';
import { TaskChecks } from './task-checks.js';

const [at, later] = ['2026-01-01T00:00:00.000000001Z', '2026-01-01T00:00:01.000000002Z'];

let checks: TaskChecks;
beforeEach(() => {
  checks = new TaskChecks('c');
});

test('whoever asks how a check ended hears of it, before and after, also when its shim tells again', async () => {
  checks.started('h', 7, at);
  expect(checks.pidOf('h')).toBe(7);
  const waiting = checks.ended('h');
  for (let times = 0; times < 2; times++) {
    checks.started('h', 7, at);
    checks.exited('h', 3, later);
  }
  expect(await waiting).toEqual({ startedAt: at, endedAt: later, exitCode: 3 });
  expect(await checks.ended('h')).toEqual(await waiting);
});

test('one that could not be executed has ended without a start', async () => {
  checks.failed('h', 127, later);
  expect(await checks.ended('h')).toEqual({ endedAt: later, exitCode: 127 });
});

test('the next one begins: those that run yet are to be ended, and nothing is known of those before it', async () => {
  checks.started('over', 7, at);
  checks.exited('over', 0, later);
  checks.started('held', 8, at);
  const waiting = checks.ended('held');
  expect(checks.leave()).toEqual(['held']);
  await expect(waiting).rejects.toMatchObject({ kind: 'not-found' });
  for (const exec of ['over', 'held', 'never']) await expect(checks.ended(exec)).rejects.toMatchObject({ kind: 'not-found' });
  checks.exited('held', 137, later);
  expect([checks.pidOf('held'), checks.leave()]).toEqual([undefined, []]);
});

test('a check ends with its task, and says nothing then; one that ended before it does', async () => {
  checks.started('held', 8, at);
  checks.started('done', 9, at);
  checks.exited('done', 0, later);
  const waiting = checks.ended('held');
  checks.over();
  await expect(waiting).rejects.toMatchObject({ kind: 'conflict', message: 'container c is not running' });
  expect((await checks.ended('done')).exitCode).toBe(0);
});
