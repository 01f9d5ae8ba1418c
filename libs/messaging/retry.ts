import { setTimeout as delay } from 'node:timers/promises';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** Does `attempt` again, with growing pauses, until it succeeds or `signal` aborts (then undefined). For what must be so in the end, whoever is down now. */
export async function retryUntilDone<T>(attempt: () => Promise<T>, signal: AbortSignal, onFailure: (error: unknown) => void, longestPauseMs = LONGEST_PAUSE_MS): Promise<T | undefined> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      // The first few failures are what a start in any order looks like.
      if (pause > 1_000) onFailure(error);
    }
    await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return undefined;
}
