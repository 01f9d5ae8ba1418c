import { expect, test } from 'vitest';
import { type Plan, planOf } from './encode-plan.js';
import type { PlanSettings } from './plan-table.js';
import { phaseTimes, stepIntervals, TIME_STEPS } from './step-times.js';

const child = { actor: 'child', from: 'test' } as const;
const plan: Plan = planOf({} as PlanSettings, [
  TIME_STEPS,
  { op: 'mkdir_host', actor: 'parent', from: 'test', path: '/cgroup', mode: 0o755 },
  { ...child, op: 'private_propagation' },
  { ...child, op: 'pivot_root' },
  { ...child, op: 'exec', args: ['true'], env: [] },
  { op: 'rmdir_cgroup', actor: 'exit', from: 'test', path: '/cgroup' },
]);
const times = { begun: 100n, cloned: 130n, joined: 150n, executed: 190n, done: [100n, 110n, 160n, 165n, 0n, 0n] };

test('each step begins where the one before it in its process has ended', () => {
  expect(stepIntervals(plan, times)).toEqual([
    { name: 'mkdir_host', number: 1, from: 100n, to: 110n },
    { name: 'clone', number: undefined, from: 110n, to: 130n },
    { name: 'join_cgroups', number: undefined, from: 130n, to: 150n },
    { name: 'private_propagation', number: 2, from: 150n, to: 160n },
    { name: 'pivot_root', number: 3, from: 160n, to: 165n },
    { name: 'exec', number: 4, from: 165n, to: 190n },
  ]);
});

test('of a start that failed there is what was come to', () => {
  expect(stepIntervals(plan, { ...times, executed: 0n, done: [100n, 110n, 160n, 0n, 0n, 200n] }).map(({ name }) => name)).toEqual(['mkdir_host', 'clone', 'join_cgroups', 'private_propagation']);
  expect(stepIntervals(plan, { begun: 100n, cloned: 0n, joined: 0n, executed: 0n, done: [100n, 110n, 0n, 0n, 0n, 0n] }).map(({ name }) => name)).toEqual(['mkdir_host']);
});

test('the shim\'s phases are the clone, after all that its parent did, and the mounts, until the child is in its root', () => {
  const inMicroseconds = { begun: 100_000n, cloned: 130_000n, joined: 150_000n, executed: 190_000n, done: [100_000n, 110_000n, 160_000n, 165_000n, 0n, 0n] };
  expect(phaseTimes(plan, inMicroseconds)).toEqual({ clone: 40, mounts: 15 });
  expect(phaseTimes(planOf({} as PlanSettings, [TIME_STEPS, { ...child, op: 'exec', args: ['runc'], env: [] }]), { ...inMicroseconds, done: [100_000n, 0n] })).toEqual({});
});
