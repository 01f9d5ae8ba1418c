import { expect, test } from 'vitest';
import { type EndedRun, restartDelay } from './restart-policy.js';

const ended = (run: Partial<EndedRun> = {}): EndedRun => ({ exitCode: 1, ranMs: 50, previousDelayMs: 0, restartCount: 0, cancelled: false, stoppedByHand: false, ...run });

test('without a policy nothing starts again', () => {
  for (const policy of [undefined, null, {}, { Name: '' } as const, { Name: 'no' } as const]) expect(restartDelay(policy, ended())).toBeUndefined();
});

test('"always" and "unless-stopped" start again whatever the exit code', () => {
  for (const Name of ['always', 'unless-stopped'] as const) for (const exitCode of [0, 1]) expect(restartDelay({ Name }, ended({ exitCode }))).toBe(100);
});

test('"on-failure" leaves a success alone', () => {
  expect(restartDelay({ Name: 'on-failure' }, ended({ exitCode: 0 }))).toBeUndefined();
  expect(restartDelay({ Name: 'on-failure' }, ended({ exitCode: 3 }))).toBe(100);
});

test('"on-failure:3" gives up after three restarts', () => {
  const policy = { Name: 'on-failure', MaximumRetryCount: 3 } as const;
  expect(restartDelay(policy, ended({ restartCount: 2 }))).toBe(100);
  expect(restartDelay(policy, ended({ restartCount: 3 }))).toBeUndefined();
});

test('the pause doubles up to a minute', () => {
  const pauses: number[] = [];
  for (let previousDelayMs = 0; pauses.length < 12; ) pauses.push((previousDelayMs = restartDelay({ Name: 'always' }, ended({ previousDelayMs })) ?? Number.NaN));
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
});

test('after a run of ten seconds the pause begins anew', () => {
  expect(restartDelay({ Name: 'always' }, ended({ previousDelayMs: 6400, ranMs: 10_000 }))).toBe(100);
  expect(restartDelay({ Name: 'always' }, ended({ previousDelayMs: 6400, ranMs: 9_999 }))).toBe(12_800);
});

test('what a person ended stays ended', () => expect(restartDelay({ Name: 'always' }, ended({ cancelled: true }))).toBeUndefined());

test('what a person sent a signal counts as stopped by hand for "unless-stopped" alone', () => {
  expect(restartDelay({ Name: 'unless-stopped' }, ended({ stoppedByHand: true }))).toBeUndefined();
  for (const Name of ['always', 'on-failure'] as const) expect(restartDelay({ Name }, ended({ stoppedByHand: true }))).toBe(100);
});
