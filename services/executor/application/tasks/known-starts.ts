import { BerthError } from '#libs/errors/errors.js';
import { type LiveTask, type Started, taskId } from './live-task.js';

/** Who asks for a start again and again asks more often than this. */
const FAILURE_KEPT_MS = 5_000;

/**
 * Starts of which the log does not tell yet how they went, and those that failed a moment ago, by task: who asks for the same gets their answer. A number has one start: what was sent
 * just before its failure was told is no other attempt.
 */
export class KnownStarts {
  private readonly starts = new Map<string, Promise<Started>>();

  add(task: LiveTask, start: Promise<Started>): void {
    const id = taskId(task.identity);
    this.starts.set(id, start);
    const forget = (): void => void this.starts.delete(id);
    void start.then(
      () => task.recorded?.then(forget) ?? forget(),
      // Without the log, or a shim, nothing was decided: that is tried anew.
      (failure: unknown) => (failure instanceof BerthError && failure.kind === 'unavailable' ? forget() : setTimeout(forget, FAILURE_KEPT_MS).unref()),
    );
  }

  of(id: string): Promise<Started> | undefined {
    return this.starts.get(id);
  }
}
