import type { StartTimes } from '#contracts/executor/tasks.js';
import type { Plan } from './encode-plan.js';
import type { PlanStep } from './plan-table.js';

/** First in a plan whose shim is to tell how long each step took. */
export const TIME_STEPS: PlanStep = { op: 'time_steps', actor: 'parent', from: 'times' };

/** What a shim tells of such a plan: monotonic nanoseconds, 0 for what it has not come to. */
export interface StepTimes {
  /** time_steps itself: the plan begins. */
  readonly begun: bigint;
  /** The shim has cloned the child. */
  readonly cloned: bigint;
  /** The child is in its cgroups. */
  readonly joined: bigint;
  /** execve(2) has succeeded. */
  readonly executed: bigint;
  /** When each step was done, by its number. */
  readonly done: readonly bigint[];
}

/** What the phases took that are the shim's; of a plan that has none, as an installed runtime's, nothing. */
export function phaseTimes(plan: Plan, { begun, joined, done }: StepTimes): Pick<StartTimes, 'clone' | 'mounts'> {
  const inRoot = done[plan.steps.findIndex(({ op }) => op === 'pivot_root')] ?? 0n;
  if (joined === 0n || inRoot === 0n) return {};
  const prepared = done.reduce((last, at, number) => (plan.steps[number]?.actor === 'parent' && at > last ? at : last), begun);
  return { clone: microseconds(joined - prepared), mounts: microseconds(inRoot - joined) };
}

const microseconds = (nanoseconds: bigint): number => Math.round(Number(nanoseconds) / 1000);

export interface StepInterval {
  /** The operation, or "clone" and "join_cgroups", which the shim does of itself. */
  readonly name: string;
  /** Of the plan; undefined for what the shim does of itself. */
  readonly number: number | undefined;
  readonly from: bigint;
  readonly to: bigint;
}

/** The steps that were done, in order. The child's begin where it has joined its cgroups, each at the end of the one before. */
export function stepIntervals(plan: Plan, times: StepTimes): readonly StepInterval[] {
  const { begun, cloned, joined, executed, done } = times;
  const parent = intervals(plan, 'parent', begun, done);
  const beforeClone = parent.at(-1)?.to ?? begun;
  const own = [
    ...(cloned === 0n ? [] : [{ name: 'clone', number: undefined, from: beforeClone, to: cloned }]),
    ...(joined === 0n ? [] : [{ name: 'join_cgroups', number: undefined, from: cloned, to: joined }]),
  ];
  const ended = executed === 0n ? done : done.map((at, number) => (plan.steps[number]?.op === 'exec' && at === 0n ? executed : at));
  return [...parent, ...own, ...(joined === 0n ? [] : intervals(plan, 'child', joined, ended))];
}

function intervals(plan: Plan, actor: 'parent' | 'child', begun: bigint, done: readonly bigint[]): StepInterval[] {
  const found: StepInterval[] = [];
  let from = begun;
  for (const [number, step] of plan.steps.entries()) {
    const to = done[number] ?? 0n;
    if (step.actor !== actor || step.op === 'time_steps' || to === 0n) continue;
    found.push({ name: step.op, number, from, to });
    from = to;
  }
  return found;
}
