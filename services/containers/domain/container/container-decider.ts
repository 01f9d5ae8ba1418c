import type { CommitWish, ContainerEvent, DiscardReason, ExitReason, StartReason } from '#contracts/containers/events.js';
import type { LimitChanges } from '#contracts/containers/container-config.js';
import type { EndpointSettings, HealthProbe, ProbeExec, PublishedPort } from '#contracts/containers/container-state.js';
import type { Decider } from '#libs/event-store/decider.js';
import { conflict, notFound, unclassified } from '#libs/errors/errors.js';
import { SIGKILL, stopSignalNumber } from '#libs/linux/signals.js';
import type { EditableSpec } from '../edit/apply-changes.js';
import { afterProbe, healthWhenOver, healthWhenStarted, isIll, isTold, probeCommand, withProbe } from '../health/health.js';
import { checkLimitChanges, changedLimits, withChanges } from '../resources/limit-changes.js';
import { killMeaning } from '../process/kill-signal.js';
import { withoutLink } from '../network/links.js';
import { restartDelay, restartPause } from '../restart-policy.js';
import { DEFAULT_STOP_TIMEOUT_SECONDS } from '../process/stop-timeout.js';
import { decideEdit, evolveEdit } from './edit-container.js';
import { decideKept, evolveKept, keptFrom } from './kept-container.js';
import { type Container, type ContainerSpec, isKept, isRunning, noRun, type PresentContainer, type Run } from './container-state.js';

export type ContainerCommand = { readonly at: string } & (
  | { readonly type: 'Create'; readonly spec: ContainerSpec }
  /** `stopped`, of a plan: what runs has been stopped by then. */
  | { readonly type: 'Start'; readonly reason: StartReason; readonly stopped?: true }
  | { readonly type: 'RecordStarted'; readonly start: number; readonly pid: number; readonly endpoint?: EndpointSettings }
  | { readonly type: 'RecordStartFailed'; readonly start: number; readonly error: string; readonly exitCode: number }
  | { readonly type: 'RecordExited'; readonly start: number; readonly exitCode: number; readonly signal: number; readonly oomKilled: boolean; readonly keeperLost: boolean }
  /** `exec`: how it ran; absent: no executor was asked. */
  | { readonly type: 'RecordProbe'; readonly start: number; readonly probe: HealthProbe; /** Of the run, when the probe began, by a clock that nobody sets. */ readonly ranMs: number; readonly exec?: ProbeExec }
  | { readonly type: 'Attach'; readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  | { readonly type: 'Detach'; readonly exec?: string }
  | { readonly type: 'ListProcesses' }
  | { readonly type: 'ReadArchive'; readonly path: string }
  | { readonly type: 'WriteArchive'; readonly path: string }
  | { readonly type: 'Export' }
  | { readonly type: 'Resize'; readonly rows: number; readonly columns: number }
  | { readonly type: 'Stop'; readonly signal: number; readonly timeoutSeconds: number; readonly restarts?: boolean }
  | { readonly type: 'Kill'; readonly signal: number }
  | { readonly type: 'RecordStopFailed'; readonly start: number; readonly error: string }
  | { readonly type: 'Pause' }
  | { readonly type: 'RecordPaused'; readonly start: number }
  | { readonly type: 'RecordPauseFailed'; readonly start: number; readonly error: string }
  | { readonly type: 'Unpause' }
  | { readonly type: 'RecordUnpaused'; readonly start: number }
  | { readonly type: 'Update'; readonly changes: LimitChanges }
  | { readonly type: 'RecordUpdated' }
  | { readonly type: 'RecordUpdateFailed'; readonly error: string }
  | { readonly type: 'Commit'; readonly pause: boolean; readonly wish: Omit<CommitWish, 'pauses'> }
  | { readonly type: 'RecordCommitted'; readonly image: string }
  | { readonly type: 'RecordCommitFailed'; readonly error: string }
  | { readonly type: 'Rename'; readonly name: string }
  | { readonly type: 'RemoveLink'; readonly alias: string }
  | { readonly type: 'Edit'; readonly spec: EditableSpec; readonly revertedTo?: number }
  | { readonly type: 'RecordEdited'; readonly ports?: readonly PublishedPort[] }
  | { readonly type: 'RecordEditFailed'; readonly error: string }
  | { readonly type: 'Protect' }
  | { readonly type: 'Unprotect' }
  | { readonly type: 'Remove'; readonly force: boolean; readonly volumes: boolean; readonly keepSeconds?: number }
  /** `keepSeconds`, of a plan: what its intent says. */
  | { readonly type: 'RecordRemoved'; readonly keepSeconds?: number }
  | { readonly type: 'Restore'; readonly name: string }
  | { readonly type: 'RecordRestored' }
  | { readonly type: 'RecordRestoreFailed'; readonly error: string }
  | { readonly type: 'Discard'; readonly reason: DiscardReason }
);

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const CONTAINER_FOLD = '14';

export const containerDecider: Decider<Container, ContainerCommand, ContainerEvent> = { initialState: { status: 'absent' }, decide, evolve };

function decide(command: ContainerCommand, state: Container): readonly ContainerEvent[] {
  const { at } = command;
  if (isKept(state)) return decideKept(command, state);
  if (command.type === 'Create') {
    if (state.status !== 'absent') throw conflict(`container ${command.spec.id} exists already`);
    const { id, createdAt: _createdAt, ...spec } = command.spec;
    return [{ type: 'ContainerCreated', container: id, ...spec, at }];
  }
  if (state.status === 'absent') {
    // What is reported of a container that was removed meanwhile concerns nobody.
    if (command.type.startsWith('Record') || command.type === 'Discard') return [];
    throw notFound('No such container');
  }
  const container = state.spec.id;
  switch (command.type) {
    case 'Start':
      if (command.reason === 'engine-start' && state.status !== 'exited') return [];
      if (state.status === 'removing') throw conflict('container is marked for removal and cannot be started');
      if (command.stopped) return [{ type: 'StartRequested', container, start: state.run.start + 1, reason: command.reason, at }];
      if (state.status === 'paused') throw conflict('cannot start a paused container, try unpause instead');
      // As dockerd: what waits for its restart goes on waiting.
      if (isRunning(state) || (command.reason === 'api' && state.status === 'restarting')) return [];
      // Due after somebody stopped it: nobody wants it any more.
      if (command.reason === 'restart-policy' && state.status !== 'restarting') return [];
      return [{ type: 'StartRequested', container, start: state.run.start + 1, reason: command.reason, at }];

    case 'RecordStarted':
      if (command.start !== state.run.start || state.run.startedAt !== '' || state.run.over) return [];
      return [{ type: 'ContainerStarted', container, start: command.start, pid: command.pid, ...(command.endpoint ? { endpoint: command.endpoint } : {}), at }];

    case 'RecordStartFailed':
      if (command.start !== state.run.start || state.run.over || state.run.startedAt !== '') return [];
      return [{ type: 'StartFailed', container, start: command.start, error: command.error, exitCode: command.exitCode, at }];

    case 'RecordExited':
      // Delivered twice, or late: the run is known to be over.
      if (command.start !== state.run.start || state.run.over) return [];
      return exited(command, state);

    case 'RecordProbe':
      return command.start === state.run.start && state.status === 'running' ? probed(command, state) : [];

    case 'Stop':
      if (!isRunning(state) && state.status !== 'restarting') return [];
      return [{ type: 'StopRequested', container, signal: command.signal, timeoutSeconds: command.timeoutSeconds, ...(command.restarts ? { restarts: true } : {}), at }];

    case 'Kill':
      // No process hears it: a signal that cancels the restart policy ends the waiting, any other comes to nothing.
      if (state.status === 'restarting') return killMeaning(command.signal, state.spec.config.StopSignal).cancelsRestart ? [{ type: 'StopRequested', container, signal: command.signal, timeoutSeconds: 0, at }] : [];
      if (!isRunning(state)) throw conflict(`cannot kill container: ${state.spec.name}: container ${container} is not running`);
      return [{ type: 'KillRequested', container, signal: command.signal, at }];

    case 'RecordStopFailed':
      if (command.start !== state.run.start || state.run.over || state.run.stopFailed) return [];
      return [{ type: 'StopFailed', container, start: command.start, error: command.error, at }];

    case 'Pause':
      if (state.status === 'paused' || state.run.changing === 'pausing') throw conflict(`Container ${container} is already paused`);
      if (state.status === 'restarting') throw conflict(`Container ${container} is restarting, wait until the container is running`);
      if (state.status !== 'running') throw conflict(`container ${container} is not running`);
      return [{ type: 'PauseRequested', container, at }];

    case 'RecordPaused':
      return command.start === state.run.start && state.status === 'running' && state.run.changing === 'pausing' ? [{ type: 'ContainerPaused', container, at }] : [];

    case 'RecordPauseFailed':
      return command.start === state.run.start && state.run.changing === 'pausing' ? [{ type: 'PauseFailed', container, error: command.error, at }] : [];

    case 'Unpause':
      if (state.status !== 'paused') throw unclassified(`Container ${container} is not paused`);
      return [{ type: 'UnpauseRequested', container, at }];

    case 'RecordUnpaused':
      return command.start === state.run.start && state.status === 'paused' ? [{ type: 'ContainerUnpaused', container, at }] : [];

    case 'Attach':
      if (state.status === 'paused') throw conflict(`container ${container} is paused, unpause the container before attach`);
      if (state.status === 'restarting') throw conflict(`container ${container} is restarting, wait until the container is running`);
      if (state.status === 'removing') throw conflict('container is marked for removal and cannot be attached to');
      return [{ type: 'ContainerAttached', container, stdin: command.stdin, stdout: command.stdout, stderr: command.stderr, at }];

    case 'Detach':
      return [{ type: 'ContainerDetached', container, ...(command.exec === undefined ? {} : { exec: command.exec }), at }];

    case 'Update': {
      const { changes } = command;
      if (state.status === 'removing') throw conflict(`Cannot update container ${container}: container is marked for removal and cannot be "update"`);
      checkLimitChanges(container, state.spec.hostConfig, changes);
      const isLive = isRunning(state) && changedLimits(withChanges(state.spec.hostConfig, changes), changes) !== undefined;
      return [{ type: isLive ? 'UpdateRequested' : 'ContainerUpdated', container, changes, at }];
    }

    case 'RecordUpdated':
      return state.update ? [{ type: 'ContainerUpdated', container, changes: state.update, at }] : [];

    case 'RecordUpdateFailed':
      return state.update ? [{ type: 'UpdateFailed', container, error: command.error, at }] : [];

    case 'Commit':
      if (state.status === 'removing') throw conflict(`You cannot commit container ${container} which is being removed`);
      if (state.commit) throw conflict(`container ${container} is being committed`);
      return [{ type: 'CommitRequested', container, commit: { ...command.wish, pauses: command.pause && state.status === 'running' }, at }];

    case 'RecordCommitted':
      return state.commit ? [{ type: 'ContainerCommitted', container, image: command.image, reference: state.commit.reference, comment: state.commit.comment, at }] : [];

    case 'RecordCommitFailed':
      return state.commit ? [{ type: 'CommitFailed', container, error: command.error, at }] : [];

    case 'ReadArchive':
    case 'WriteArchive':
    case 'Export':
      if (state.status === 'removing') throw conflict(`container ${container} is marked for removal: its files cannot be copied`);
      if (command.type === 'Export') return [{ type: 'ContainerExported', container, at }];
      return [{ type: command.type === 'ReadArchive' ? 'ArchiveRead' : 'ArchiveWritten', container, path: command.path, at }];

    case 'ListProcesses':
      if (state.status === 'restarting') throw conflict(`Container ${container} is restarting, wait until the container is running`);
      if (!isRunning(state)) throw conflict(`container ${container} is not running`);
      return [{ type: 'ProcessesListed', container, at }];

    case 'Resize':
      if (state.status !== 'running' && state.status !== 'paused') throw conflict(`container ${container} is not running`);
      return [{ type: 'TerminalResized', container, rows: command.rows, columns: command.columns, at }];

    case 'Rename':
      if (state.status === 'removing') throw conflict('container is marked for removal and cannot be renamed');
      return command.name === state.spec.name ? [] : [{ type: 'ContainerRenamed', container, name: command.name, oldName: state.spec.name, at }];

    case 'RemoveLink':
      return (state.spec.hostConfig.Links ?? []).some((link) => link.endsWith(`:${command.alias}`)) ? [{ type: 'LinkRemoved', container, alias: command.alias, at }] : [];

    case 'Edit':
      return decideEdit(command, state);

    case 'RecordEdited':
      return state.edit ? [{ type: 'ContainerEdited', container, ...state.edit, ...(command.ports === undefined ? {} : { ports: command.ports }), at }] : [];

    case 'RecordEditFailed':
      return state.edit ? [{ type: 'EditFailed', container, error: command.error, at }] : [];

    case 'Protect':
      if (state.status === 'removing') throw conflict('container is marked for removal and cannot be protected');
      return state.protected ? [] : [{ type: 'ContainerProtected', container, at }];

    case 'Unprotect':
      return state.protected ? [{ type: 'ContainerUnprotected', container, at }] : [];

    case 'Remove':
      if (state.status === 'removing') return [];
      if (state.protected) throw conflict(`cannot remove container "${state.spec.name}": container is protected: unprotect the container before removing`);
      if (!command.force && state.status === 'paused')
        throw conflict(`cannot remove container "${state.spec.name}": container is paused and must be unpaused first`);
      if (!command.force && isRunning(state))
        throw conflict(`cannot remove container "${state.spec.name}": container is running: stop the container before removing or force remove`);
      if (!command.force && state.status === 'restarting')
        throw conflict(`cannot remove container "${state.spec.name}": container is restarting: stop the container before removing or force remove`);
      return removal(command, state);

    case 'RecordRemoved':
      return [removed(container, command.keepSeconds ?? state.remove?.keepSeconds, at)];

    case 'Restore':
      throw conflict(`container ${container} was not removed: there is nothing to undo`);

    case 'RecordRestored':
    case 'RecordRestoreFailed':
    case 'Discard':
      return [];
  }
}

/** A removal that keeps the files has no effect to wait for: without a run it is done in one commit. A removal for good is done when the files are gone. */
function removal({ force, volumes, keepSeconds, at }: Extract<ContainerCommand, { type: 'Remove' }>, { spec, run }: PresentContainer): ContainerEvent[] {
  const container = spec.id;
  if (keepSeconds === undefined) return [{ type: 'RemoveRequested', container, force, volumes, at }];
  const requested: ContainerEvent = { type: 'RemoveRequested', container, force, volumes, keepSeconds, at };
  return run.over ? [requested, removed(container, keepSeconds, at)] : [requested];
}

const removed = (container: string, keepSeconds: number | undefined, at: string): ContainerEvent => ({
  type: 'ContainerRemoved',
  container,
  ...(keepSeconds === undefined ? {} : { keptUntil: new Date(Date.parse(at) + keepSeconds * 1000).toISOString() }),
  at,
});

/** What a probe says, and what follows where it is the one that makes the container unhealthy. */
function probed({ start, probe, ranMs, exec, at }: Extract<ContainerCommand, { type: 'RecordProbe' }>, { spec, run, health, unhealthyRestarts = 0 }: PresentContainer): ContainerEvent[] {
  if (health === undefined || isTold(health, probe)) return [];
  const healthcheck = spec.config.Healthcheck ?? {};
  const { status, failingStreak } = afterProbe(health, probe, { healthcheck, ranMs });
  const event: ContainerEvent = { type: 'HealthProbed', container: spec.id, start, probe, ...(exec ? { exec } : {}), was: health.status, status, failingStreak, at };
  const { restartWhenUnhealthy: most } = spec;
  const becomesIll = isIll({ failingStreak }, healthcheck) && !isIll(health, healthcheck);
  const restarts = becomesIll && most !== undefined && (most === 0 || unhealthyRestarts < most) && (run.stopRequested === undefined || run.stopFailed);
  if (!restarts) return [event];
  const signal = stopSignalNumber(spec.config.StopSignal);
  return [event, { type: 'UnhealthyRestartRequested', container: spec.id, start, signal, timeoutSeconds: spec.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS, at }];
}

function exited(command: Extract<ContainerCommand, { type: 'RecordExited' }>, state: PresentContainer): ContainerEvent[] {
  const container = state.spec.id;
  const { start, exitCode, signal, oomKilled, at } = command;
  const exit: ContainerEvent = { type: 'ContainerExited', container, start, exitCode, signal, oomKilled, reason: reasonOf(command, state), at };
  if (state.status === 'removing') return [exit];
  // What is frozen ends by SIGKILL alone: it was let go on, though that may be heard of later.
  const thawed: ContainerEvent[] = state.status === 'paused' && signal !== SIGKILL && !command.keeperLost ? [{ type: 'ContainerUnpaused', container, at }] : [];
  const { stopRequested, kill } = state.run;
  const startsAgain = stopRequested?.startsAgain ?? false;
  const run = {
    exitCode,
    ranMs: Date.parse(at) - Date.parse(state.run.startedAt || at),
    previousDelayMs: state.restartDelayMs,
    restartCount: state.restartCount,
    cancelled: (stopRequested !== undefined && !startsAgain) || (kill?.cancelsRestart ?? false),
    stoppedByHand: kill !== undefined,
  };
  const delayMs = startsAgain && !run.cancelled ? restartPause(run) : restartDelay(state.spec.hostConfig.RestartPolicy, run);
  return delayMs === undefined ? [...thawed, exit] : [...thawed, exit, { type: 'RestartScheduled', container, start, delayMs, at }];
}

function reasonOf(exit: Extract<ContainerCommand, { type: 'RecordExited' }>, state: PresentContainer): ExitReason {
  if (exit.keeperLost) return 'keeper-lost';
  const { stopRequested, kill } = state.run;
  const wanted = stopRequested !== undefined || state.remove !== undefined || kill?.signal === SIGKILL;
  // A run that lost a child to the OOM killer may go on for weeks: it died of that where the kernel's signal took the command itself, or a shell that hands its child's code on.
  if (exit.oomKilled && !wanted && (exit.signal === SIGKILL || exit.exitCode === 128 + SIGKILL)) return 'oom';
  if (stopRequested?.startsAgain) return 'unhealthy';
  if (stopRequested && exit.signal === SIGKILL) return 'stop-timeout';
  if (stopRequested || kill?.ends || state.remove || (exit.signal !== 0 && exit.signal === kill?.signal)) return 'killed-api';
  if (exit.signal !== 0) return 'killed-kernel';
  return exit.exitCode === 0 ? 'completed' : 'error';
}

/** Somebody asks for its end, whatever came of it before. */
function askedAnew({ stopFailed: _before, ...run }: Run): Run {
  return run;
}

function evolve(state: Container, event: ContainerEvent): Container {
  if (event.type === 'ContainerCreated') {
    const { container: id, at: createdAt, name, config, hostConfig, imageId, imageRef, layers, path, args, mounts, restartWhenUnhealthy, linkLocalAddresses, askedNetworkMode, labelsOfImage } = event;
    return { status: 'created', spec: { id, createdAt, name, config, hostConfig, imageId, imageRef, layers, path, args, mounts, ...(restartWhenUnhealthy === undefined ? {} : { restartWhenUnhealthy }), ...(linkLocalAddresses === undefined ? {} : { linkLocalAddresses }), ...(askedNetworkMode === undefined ? {} : { askedNetworkMode }), ...(labelsOfImage === undefined ? {} : { labelsOfImage }) }, run: noRun, restartCount: 0, restartDelayMs: 0 };
  }
  if (state.status === 'absent') return state;
  if (isKept(state)) return evolveKept(state, event);
  switch (event.type) {
    case 'StartRequested': {
      const byPolicy = event.reason === 'restart-policy';
      const { unhealthyRestarts = 0, pending: _had, ...kept } = state;
      const { startedAt, finishedAt, exitCode, oomKilled, error } = state.run;
      const before = state.run.start > 0 ? { before: { startedAt, exitCode, oomKilled, error } } : {};
      return { ...kept, ...(byPolicy && unhealthyRestarts > 0 ? { unhealthyRestarts } : {}), status: 'starting', run: { ...noRun, start: event.start, finishedAt, ...before, over: false }, restartCount: byPolicy ? state.restartCount + 1 : 0, restartDelayMs: byPolicy ? state.restartDelayMs : 0 };
    }
    case 'ContainerStarted': {
      const { before: _seen, ...run } = state.run;
      return { ...state, ...(probeCommand(state.spec.config.Healthcheck) ? { health: healthWhenStarted(state.health) } : {}), status: state.status === 'removing' ? 'removing' : 'running', run: { ...run, pid: event.pid, startedAt: event.at, ...(event.endpoint ? { endpoint: event.endpoint } : {}) } };
    }
    case 'StartFailed': {
      const { before: _seen, ...run } = state.run;
      return { ...state, status: state.status === 'removing' ? 'removing' : state.run.start > 1 ? 'exited' : 'created', run: { ...run, pid: 0, finishedAt: state.run.start > 1 ? event.at : '', exitCode: event.exitCode, error: event.error, over: true } };
    }
    case 'HealthProbed': {
      if (state.health === undefined) return state;
      const { unhealthyRestarts = 0, ...kept } = state;
      return { ...kept, ...(unhealthyRestarts > 0 && event.status !== 'healthy' ? { unhealthyRestarts } : {}), health: withProbe(state.health, event) };
    }
    case 'UnhealthyRestartRequested':
      return { ...state, unhealthyRestarts: (state.unhealthyRestarts ?? 0) + 1, run: { ...askedAnew(state.run), stopRequested: { signal: event.signal, timeoutSeconds: event.timeoutSeconds, startsAgain: true } } };
    case 'StopRequested':
      return { ...state, status: state.status === 'restarting' ? 'exited' : state.status, run: { ...askedAnew(state.run), stopRequested: { signal: event.signal, timeoutSeconds: event.timeoutSeconds, ...(event.restarts ? { restarts: true } : {}) } } };
    case 'KillRequested': {
      const { signal } = event;
      const meaning = killMeaning(signal, state.spec.config.StopSignal);
      const { cancelsRestart = false, ends = false } = state.run.kill ?? {};
      return { ...state, run: { ...askedAnew(state.run), kill: { signal, cancelsRestart: cancelsRestart || meaning.cancelsRestart, ends: ends || meaning.ends } } };
    }
    case 'StopFailed':
      return { ...state, run: { ...state.run, stopFailed: true } };
    case 'ContainerExited': {
      const { endpoint: _released, changing: _over, before: _seen, stopFailed: _past, ...run } = state.run;
      return { ...state, ...(state.health ? { health: healthWhenOver(state.health) } : {}), status: state.status === 'removing' ? 'removing' : 'exited', run: { ...run, pid: 0, finishedAt: event.at, exitCode: event.exitCode, oomKilled: event.oomKilled, over: true } };
    }
    // Told for those who watch; the container is as it was.
    case 'ContainerAttached':
    case 'ContainerDetached':
    case 'TerminalResized':
    case 'ProcessesListed':
    case 'ArchiveRead':
    case 'ArchiveWritten':
    case 'ContainerExported':
      return state;
    case 'PauseRequested':
      return { ...state, run: { ...state.run, changing: 'pausing' } };
    case 'UnpauseRequested':
      return { ...state, run: { ...state.run, changing: 'unpausing' } };
    case 'ContainerPaused': {
      const { changing: _done, ...run } = state.run;
      return { ...state, ...(state.health ? { health: healthWhenOver(state.health) } : {}), run, status: state.status === 'removing' ? 'removing' : 'paused' };
    }
    case 'PauseFailed':
    case 'ContainerUnpaused': {
      const { changing: _done, thaws: _thawed, ...run } = state.run;
      return { ...state, run, status: state.status === 'removing' ? 'removing' : 'running' };
    }
    case 'RestartScheduled':
      return { ...state, status: 'restarting', restartDelayMs: event.delayMs };
    case 'UpdateRequested':
      return { ...state, update: { ...state.update, ...event.changes } };
    case 'ContainerUpdated':
    case 'UpdateFailed': {
      const { update: _done, ...rest } = state;
      return event.type === 'UpdateFailed' ? rest : { ...rest, spec: { ...state.spec, hostConfig: withChanges(state.spec.hostConfig, event.changes) } };
    }
    case 'CommitRequested':
      return { ...state, commit: { ...event.commit, at: event.at } };
    case 'ContainerCommitted':
    case 'CommitFailed': {
      const { commit, ...rest } = state;
      // Its pause may be on the log though the commit went on without: it is made then, and ends with the commit all the same.
      return commit?.pauses && (state.status === 'paused' || state.run.changing === 'pausing') ? { ...rest, run: { ...state.run, thaws: true } } : rest;
    }
    case 'ContainerRenamed':
      return { ...state, spec: { ...state.spec, name: event.name } };
    case 'LinkRemoved':
      return { ...state, spec: { ...state.spec, hostConfig: withoutLink(state.spec.hostConfig, event.alias) } };
    case 'EditRequested':
    case 'ContainerEdited':
      return evolveEdit(state, event);
    case 'EditFailed': {
      const { edit: _undone, ...rest } = state;
      return rest;
    }
    case 'ContainerProtected':
      return { ...state, protected: true };
    case 'ContainerUnprotected': {
      const { protected: _over, ...rest } = state;
      return rest;
    }
    case 'RemoveRequested':
      return { ...state, status: 'removing', remove: { force: event.force, volumes: event.volumes, ...(event.keepSeconds === undefined ? {} : { keepSeconds: event.keepSeconds }) } };
    case 'ContainerRemoved':
      return event.keptUntil === undefined ? { status: 'absent' } : keptFrom(state, event.at, event.keptUntil);
    // Of a removed one alone.
    case 'RestoreRequested':
    case 'ContainerRestored':
    case 'RestoreFailed':
    case 'ContainerDiscarded':
      return state;
  }
}
