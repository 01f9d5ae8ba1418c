import type { RequestContext } from '#contracts/request.js';
import { BerthError } from '#libs/errors/errors.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { LogFields } from '#libs/telemetry/log-record.js';

/**
 * What became of an intent has to be on the log: until then nobody can go on with its container. Where the log does not take it, whoever waits is told so, and the log is told
 * again, with growing pauses, until it does.
 */
export class Outcomes {
  private readonly stopping = new AbortController();

  constructor(private readonly onError: (error: unknown, about: LogFields) => void) {}

  stop(): void {
    this.stopping.abort();
  }

  /** `tell` must do nothing where the log had it after all. `again`: where that takes more care later. */
  async tell<T>(container: string, tell: () => Promise<T>, asked: RequestContext, again: () => Promise<unknown> = tell): Promise<T> {
    try {
      return await tell();
    } catch (error) {
      if (error instanceof BerthError && error.kind === 'unavailable') this.tellAgain(container, again, asked);
      throw error;
    }
  }

  private tellAgain(container: string, again: () => Promise<unknown>, { correlationId }: RequestContext): void {
    const onError = (error: unknown): void => this.onError(error, { container, correlationId });
    retryUntilDone(again, this.stopping.signal, onError).catch(onError);
  }
}
