import type { RestartPolicy } from '#contracts/containers/container-config.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run that lasted this long counts as good: the pause begins anew. */
const GOOD_RUN_MS = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly ranMs: number;
  /** Pause before the run that ended; 0 when there was none. */
  readonly previousDelayMs: number;
  /** Restarts by policy so far. */
  readonly restartCount: number;
  /** A person ended it: no policy starts it again. */
  readonly cancelled: boolean;
  /** A person sent it a signal, which "unless-stopped" takes for a stop. */
  readonly stoppedByHand: boolean;
}

/** Milliseconds until the next start, or undefined when the container stays as it is. Docker's rules: 100 ms, doubled up to a minute, anew after a run of 10 s. */
export function restartDelay(policy: RestartPolicy | null | undefined, run: EndedRun): number | undefined {
  return run.cancelled || !wantsRestart(policy, run) ? undefined : restartPause(run);
}

/** Milliseconds until a start that is wanted, whatever the policy. */
export function restartPause(run: Pick<EndedRun, 'ranMs' | 'previousDelayMs'>): number {
  if (run.ranMs >= GOOD_RUN_MS || run.previousDelayMs === 0) return FIRST_DELAY_MS;
  return Math.min(run.previousDelayMs * 2, LONGEST_DELAY_MS);
}

/** Whether what had ended before the engine began is started with it. As dockerd: that a person ended it counts for "unless-stopped" alone. */
export function isWantedAtEngineStart(policy: RestartPolicy | null | undefined, run: HowItEnded): boolean {
  return wantsRestart(policy, run);
}

type HowItEnded = Pick<EndedRun, 'exitCode' | 'restartCount' | 'stoppedByHand'>;

function wantsRestart(policy: RestartPolicy | null | undefined, run: HowItEnded): boolean {
  switch (policy?.Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !run.stoppedByHand;
    case 'on-failure': {
      const limit = policy.MaximumRetryCount ?? 0;
      return run.exitCode !== 0 && (limit === 0 || run.restartCount < limit);
    }
    default:
      return false;
  }
}
