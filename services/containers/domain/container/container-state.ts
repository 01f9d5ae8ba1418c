import type { LimitChanges } from '#contracts/containers/container-config.js';
import type { ContainerHealth, EndpointSettings } from '#contracts/containers/container-state.js';
import type { EditedPart } from '#contracts/containers/edit.js';
import type { CommitWish, ContainerEvent, EditedSpec } from '#contracts/containers/events.js';
import type { KillMeaning } from '../process/kill-signal.js';
import { isWantedAtEngineStart } from '../restart-policy.js';

/** What was asked for at creation; the same for all runs. */
export type ContainerSpec = Omit<Extract<ContainerEvent, { type: 'ContainerCreated' }>, 'type' | 'container' | 'at'> & {
  readonly id: string;
  readonly createdAt: string;
};

/** How the newest run stands, or stood. Times are RFC 3339, '' when not yet. */
export interface Run {
  readonly start: number;
  readonly pid: number;
  readonly endpoint?: EndpointSettings;
  readonly startedAt: string;
  /** Of a run that is not over: when the one before it ended. */
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  /** How the run before it went, until this one has begun: readers see that. */
  readonly before?: Pick<Run, 'startedAt' | 'exitCode' | 'oomKilled' | 'error'>;
  /** Asked to stop: by a person (`restarts`: who wants it started next), or (`startsAgain`) since it is unhealthy. */
  readonly stopRequested?: { readonly signal: number; readonly timeoutSeconds: number; readonly startsAgain?: true; readonly restarts?: true };
  /** Signals sent by hand: the newest, and whether one of them cancelled the restart policy or was sent to end the run. */
  readonly kill?: { readonly signal: number } & KillMeaning;
  /** What was asked last to end it did not, and that was told: nobody goes on with it. */
  readonly stopFailed?: true;
  /** Asked for, and not known to be done. */
  readonly changing?: 'pausing' | 'unpausing';
  /** Paused for a commit that is over. */
  readonly thaws?: true;
  /** It exited, or never came to be: what is reported of it later concerns nobody. */
  readonly over: boolean;
}

export type Container =
  | { readonly status: 'absent' }
  | {
      readonly status: 'created' | 'starting' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing';
      readonly spec: ContainerSpec;
      readonly run: Run;
      /** Restarts by policy since the last start by hand. */
      readonly restartCount: number;
      /** The pause before the newest restart, 0 when there was none. */
      readonly restartDelayMs: number;
      /** Changes of limits that were asked for, and are not known to hold. */
      readonly update?: LimitChanges;
      /** An image that was asked for, and when, and is not known to be made. */
      readonly commit?: CommitWish & { readonly at: string };
      /** From the first start on; the log of probes goes on over restarts. */
      readonly health?: ContainerHealth;
      /** Restarts for being unhealthy since it was healthy, or started by hand. */
      readonly unhealthyRestarts?: number;
      /** Which of its specs this is, counted from 1, which is meant where it is absent. */
      readonly version?: number;
      /** An edit that was asked for, and is not known to hold. */
      readonly edit?: EditedSpec;
      /** What was edited while it ran, and its run does not have. */
      readonly pending?: readonly EditedPart[];
      /** Anonymous volumes that it had, and has no more: they go with it. */
      readonly unmounted?: readonly string[];
      /** Nobody may remove it. */
      readonly protected?: true;
      /** `keepSeconds`: for which it can come back after its removal; absent: not at all. */
      readonly remove?: { readonly force: boolean; readonly volumes: boolean; readonly keepSeconds?: number };
    }
  | KeptContainer;

/** Removed, as all but who brings it back see it. */
export type KeptContainer = {
  /** As it will be when it comes back. */
  readonly before: PresentContainer;
  readonly removedAt: string;
  /** From then on it is let go. */
  readonly until: string;
  /** Its anonymous volumes went with it. */
  readonly volumes: boolean;
} & ({ readonly status: 'kept' } | { readonly status: 'restoring'; /** Which it has claimed. */ readonly name: string });

export type PresentContainer = Exclude<Container, { status: 'absent' } | KeptContainer>;

export const isPresent = (container: Container): container is PresentContainer => container.status !== 'absent' && !isKept(container);

export const isKept = (container: Container): container is KeptContainer => container.status === 'kept' || container.status === 'restoring';

export const noRun: Run = { start: 0, pid: 0, startedAt: '', finishedAt: '', exitCode: 0, oomKilled: false, error: '', over: true };

/** Between the two halves of a client's restart. */
export const isToRestart = ({ status, run }: PresentContainer): boolean => status === 'exited' && run.over && (run.stopRequested?.restarts ?? false);

/** Whether an engine that began at `engineStartedAt` starts it, having found it ended. */
export const startsWithEngine = ({ status, run, spec, restartCount }: PresentContainer, engineStartedAt: string): boolean =>
  status === 'exited' && run.over && Date.parse(run.finishedAt) < Date.parse(engineStartedAt) && isWantedAtEngineStart(spec.hostConfig.RestartPolicy, { exitCode: run.exitCode, restartCount, stoppedByHand: run.stopRequested !== undefined || run.kill !== undefined });

export const isRunning = (container: Container): boolean => container.status === 'running' || container.status === 'paused' || container.status === 'starting';
