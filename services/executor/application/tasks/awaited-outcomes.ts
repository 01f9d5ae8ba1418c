import { conflict, unavailable } from '#libs/errors/errors.js';
import type { ShimEvent } from '../../adapters/shim/shim-frames.js';
import type { StepTimes } from '../../domain/plan/step-times.js';
import { type LiveTask, taskId } from './live-task.js';

/** How long the beginning of a container or exec may take, exec(3) of its command included. */
const START_DEADLINE_MS = 30_000;
/** The target that is the container's own command; any other is an exec. */
const OWN_COMMAND = '';

/** How a start went; of a timed plan with what its steps took. */
export type Outcome = Extract<ShimEvent, { type: 'started' | 'failed' }> & { readonly times?: StepTimes };

interface Awaited {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
  readonly settled: Promise<void>;
}

/** What shims were asked to start and have not told of yet. */
export class AwaitedOutcomes {
  private readonly awaited = new Map<string, Awaited>();
  /** What the steps of a plan took, until it is told how they went. */
  private readonly times = new Map<string, StepTimes>();

  /** Resolves to the first thing the shim tells of `target`. `onLate`: it is told as failed, and may begin all the same. */
  of(task: LiveTask, target: string, onLate: () => void): Promise<Outcome> {
    const key = keyOf(task, target);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const finish = (): void => {
      clearTimeout(timer);
      this.awaited.delete(key);
      this.times.delete(key);
    };
    const timer = setTimeout(() => {
      finish();
      onLate();
      reject(unavailable(`the shim of container ${task.identity.container} did not report within ${START_DEADLINE_MS / 1000} s`));
    }, START_DEADLINE_MS);
    this.awaited.set(key, {
      resolve: (outcome) => {
        const times = this.times.get(key);
        finish();
        resolve(times === undefined ? outcome : { ...outcome, times });
      },
      reject: (error) => (finish(), reject(error)),
      settled: promise.then(() => undefined, () => undefined),
    });
    return promise;
  }

  /** Whether somebody waits for it. */
  told(task: LiveTask, outcome: Outcome): boolean {
    const awaited = this.awaited.get(keyOf(task, outcome.target));
    awaited?.resolve(outcome);
    return awaited !== undefined;
  }

  timed(task: LiveTask, target: string, times: StepTimes): void {
    if (this.awaited.has(keyOf(task, target))) this.times.set(keyOf(task, target), times);
  }

  /** Of a task whose connection is gone. Of an exec that its shim had not told of yet it may tell when it is connected to again. */
  shimLost(task: LiveTask): void {
    for (const target of [OWN_COMMAND, ...task.execs.keys()]) this.awaited.get(keyOf(task, target))?.reject(unavailable(`the shim of container ${task.identity.container} is lost`));
  }

  /** Of a task that is over. */
  taskEnded(task: LiveTask): void {
    for (const { reject } of this.execsOf(taskId(task.identity))) reject(conflict(`container ${task.identity.container} is not running`));
  }

  /** Resolves once the shim has told of all execs that it was asked for until now. */
  async execsTold(id: string): Promise<void> {
    await Promise.all(this.execsOf(id).map(({ settled }) => settled));
  }

  private execsOf(id: string): Awaited[] {
    return Array.from(this.awaited).flatMap(([key, outcome]) => (key.startsWith(`${id} `) && key !== `${id} ${OWN_COMMAND}` ? [outcome] : []));
  }
}

const keyOf = (task: LiveTask, target: string): string => `${taskId(task.identity)} ${target}`;
