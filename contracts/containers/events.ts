import type { ContainerConfig, HostConfig, LimitChanges } from './container-config.js';
import type { EditedPart } from './edit.js';
import type { ContainerMount, EndpointSettings, ExecConfig, HealthProbe, HealthStatus, ProbeExec, PublishedPort } from './container-state.js';

/** What a container is: told when it is made, and when it comes back. */
export interface ContainerMade {
  readonly type: 'ContainerCreated';
  readonly container: string;
  readonly name: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly imageId: string;
  readonly imageRef: string;
  /** Chain ids of the image, top first. */
  readonly layers: readonly string[];
  readonly path: string;
  readonly args: readonly string[];
  readonly mounts: readonly ContainerMount[];
  /** Starts again when it becomes unhealthy, at most so often in a row; 0: always. From a label of the client's, never of an image. */
  readonly restartWhenUnhealthy?: number;
  /** Addresses that it has besides the one that its network gives it. */
  readonly linkLocalAddresses?: readonly string[];
  /** The network mode that its maker wrote, where he asked for an endpoint of another network: it is in that one, which `hostConfig` says. */
  readonly askedNetworkMode?: string;
  /** Names of labels that are the image's alone: what counts as the maker's word leaves them out. */
  readonly labelsOfImage?: readonly string[];
  readonly at: string;
}

/** `berth.event.container.<id>`, written by containers alone. `at` is RFC 3339 with nanoseconds where the kernel gave them. */
export type ContainerEvent =
  | ContainerMade
  | { readonly type: 'StartRequested'; readonly container: string; readonly start: number; readonly reason: StartReason; readonly at: string }
  | { readonly type: 'ContainerStarted'; readonly container: string; readonly start: number; readonly pid: number; readonly endpoint?: EndpointSettings; readonly at: string }
  | { readonly type: 'StartFailed'; readonly container: string; readonly start: number; readonly error: string; readonly exitCode: number; readonly at: string }
  | { readonly type: 'KillRequested'; readonly container: string; readonly signal: number; readonly at: string }
  /** `restarts`: the first half of a client's restart, a start follows. */
  | { readonly type: 'StopRequested'; readonly container: string; readonly signal: number; readonly timeoutSeconds: number; readonly restarts?: true; readonly at: string }
  /** A stop or SIGKILL did not end the run, and whoever asked was told so: nobody goes on with it. That it was asked for counts as before. */
  | { readonly type: 'StopFailed'; readonly container: string; readonly start: number; readonly error: string; readonly at: string }
  | {
      readonly type: 'ContainerExited';
      readonly container: string;
      readonly start: number;
      readonly exitCode: number;
      readonly signal: number;
      readonly oomKilled: boolean;
      readonly reason: ExitReason;
      readonly at: string;
    }
  | { readonly type: 'ContainerAttached'; readonly container: string; readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean; readonly at: string }
  /** An attached client typed the keys that detach. `exec`: from that one of its execs. */
  | { readonly type: 'ContainerDetached'; readonly container: string; readonly exec?: string; readonly at: string }
  | { readonly type: 'ArchiveRead'; readonly container: string; readonly path: string; readonly at: string }
  | { readonly type: 'ArchiveWritten'; readonly container: string; readonly path: string; readonly at: string }
  | { readonly type: 'ContainerExported'; readonly container: string; readonly at: string }
  | { readonly type: 'ProcessesListed'; readonly container: string; readonly at: string }
  | { readonly type: 'TerminalResized'; readonly container: string; readonly rows: number; readonly columns: number; readonly at: string }
  /** An intent: followed by ContainerPaused or PauseFailed. */
  | { readonly type: 'PauseRequested'; readonly container: string; readonly at: string }
  | { readonly type: 'ContainerPaused'; readonly container: string; readonly at: string }
  | { readonly type: 'PauseFailed'; readonly container: string; readonly error: string; readonly at: string }
  /** An intent: followed by ContainerUnpaused. A signal that ends a paused container needs none. */
  | { readonly type: 'UnpauseRequested'; readonly container: string; readonly at: string }
  | { readonly type: 'ContainerUnpaused'; readonly container: string; readonly at: string }
  /** An intent, of one that runs: followed by ContainerUpdated or UpdateFailed. */
  | { readonly type: 'UpdateRequested'; readonly container: string; readonly changes: LimitChanges; readonly at: string }
  | { readonly type: 'ContainerUpdated'; readonly container: string; readonly changes: LimitChanges; readonly at: string }
  | { readonly type: 'UpdateFailed'; readonly container: string; readonly error: string; readonly at: string }
  /** An intent: followed by ContainerCommitted or CommitFailed. */
  | { readonly type: 'CommitRequested'; readonly container: string; readonly commit: CommitWish; readonly at: string }
  | { readonly type: 'ContainerCommitted'; readonly container: string; readonly image: string; readonly reference: string; readonly comment: string; readonly at: string }
  | { readonly type: 'CommitFailed'; readonly container: string; readonly error: string; readonly at: string }
  | { readonly type: 'RestartScheduled'; readonly container: string; readonly start: number; readonly delayMs: number; readonly at: string }
  /** `was`: the status before; failingStreak counts this probe. `exec`: how it ran; of older engines the exec's own events tell. */
  | { readonly type: 'HealthProbed'; readonly container: string; readonly start: number; readonly probe: HealthProbe; readonly exec?: ProbeExec; readonly was: HealthStatus; readonly status: HealthStatus; readonly failingStreak: number; readonly at: string }
  /** It is unhealthy, and stops so that it can start again. */
  | { readonly type: 'UnhealthyRestartRequested'; readonly container: string; readonly start: number; readonly signal: number; readonly timeoutSeconds: number; readonly at: string }
  | { readonly type: 'ContainerRenamed'; readonly container: string; readonly name: string; readonly oldName: string; readonly at: string }
  /** What it called `alias` it does so no more; whom that meant is there as before. */
  | { readonly type: 'LinkRemoved'; readonly container: string; readonly alias: string; readonly at: string }
  /** An intent, of one that runs: followed by ContainerEdited or EditFailed. */
  | ({ readonly type: 'EditRequested'; readonly container: string; readonly at: string } & EditedSpec)
  /** `ports`: what its run has published now, where that changed. */
  | ({ readonly type: 'ContainerEdited'; readonly container: string; readonly ports?: readonly PublishedPort[]; readonly at: string } & EditedSpec)
  | { readonly type: 'EditFailed'; readonly container: string; readonly error: string; readonly at: string }
  /** Refuses removal until it is unprotected. */
  | { readonly type: 'ContainerProtected'; readonly container: string; readonly at: string }
  | { readonly type: 'ContainerUnprotected'; readonly container: string; readonly at: string }
  /** `keepSeconds`: for which it can come back after its removal. Absent: not at all. */
  | { readonly type: 'RemoveRequested'; readonly container: string; readonly force: boolean; readonly volumes: boolean; readonly keepSeconds?: number; readonly at: string }
  /** `keptUntil`: its files and volumes wait until then, and it can come back. */
  | { readonly type: 'ContainerRemoved'; readonly container: string; readonly keptUntil?: string; readonly at: string }
  /** An intent: followed by ContainerRestored or RestoreFailed. `name` is claimed. */
  | { readonly type: 'RestoreRequested'; readonly container: string; readonly name: string; readonly at: string }
  | ContainerBack
  /** It is kept as before. */
  | { readonly type: 'RestoreFailed'; readonly container: string; readonly error: string; readonly at: string }
  /** What was kept of it is deleted for good. */
  | { readonly type: 'ContainerDiscarded'; readonly container: string; readonly reason: DiscardReason; readonly at: string };

/** A removed container is there again: all of it, since whoever follows the log has forgotten it. `start`: its last run, 0 for none. */
export type ContainerBack = Omit<ContainerMade, 'type'> & { readonly type: 'ContainerRestored'; readonly createdAt: string; readonly start: number };

/** A version of what a container is, whole. */
export interface EditedSpec extends Pick<ContainerMade, 'config' | 'hostConfig' | 'path' | 'args' | 'mounts' | 'restartWhenUnhealthy'> {
  /** From 2 on: the first is the one that was created. */
  readonly version: number;
  readonly parts: readonly EditedPart[];
  /** Of these, what a run that goes on does not have. */
  readonly pending: readonly EditedPart[];
  /** It is an earlier one again. */
  readonly revertedTo?: number;
}

/** `crowded`: too many were kept. */
export type DiscardReason = 'time-over' | 'disk-short' | 'crowded' | 'asked';

export interface CommitWish {
  /** The container runs, and stands still meanwhile. */
  readonly pauses: boolean;
  /** What the image is to be called, in familiar form; '' for nothing. */
  readonly reference: string;
  readonly author: string;
  readonly comment: string;
  /** The image's `config`, made of the container's and the wished changes. */
  readonly config: ContainerConfig;
}

/** `api`: a client's start; `restart`: the second half of a client's restart; `engine-start`: the engine began, and its policy has it run then. */
export type StartReason = 'api' | 'restart' | 'restart-policy' | 'engine-start';
/** `oom`: the command itself died of it; a run that lost a child says so by `oomKilled` alone. */
export type ExitReason = 'completed' | 'error' | 'oom' | 'killed-api' | 'killed-kernel' | 'unhealthy' | 'stop-timeout' | 'keeper-lost';

/** `berth.event.name.<encoded name>`: who holds a container name. The first append at sequence 0 wins. */
export type NameEvent = { readonly type: 'NameClaimed'; readonly name: string; readonly container: string } | { readonly type: 'NameReleased'; readonly name: string; readonly container: string };

/** `berth.event.exec.<id>`, written by containers alone: the wish, and that nobody could be asked for it. How it goes is told by the task's events. */
export type ExecEvent =
  | { readonly type: 'ExecCreated'; readonly exec: string; readonly container: string; readonly config: ExecConfig; readonly at: string }
  /** No executor has said how its start went. One that carried it out nevertheless tells so in the task's events, which count then. */
  | { readonly type: 'ExecStartFailed'; readonly exec: string; readonly container: string; readonly error: string; readonly exitCode: number; readonly at: string };
