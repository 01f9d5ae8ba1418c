import { constants } from 'node:os';
import type { ContainerAt } from './container-fold.js';

/** What ends so soon after a signal ends because of it: as long as a stop waits. */
const ANSWER_MS = 10_000;

/** One sentence: what the container is, since when, and what brought it there. Times are UTC, with the date where it is not that of `now` (RFC 3339). */
export function why(container: ContainerAt, now: string): string {
  const { name, status, since } = container;
  return `${name} is ${status} since ${clock(since, now)}${because(container, now)}.`;
}

function because(container: ContainerAt, now: string): string {
  const { status, exit, start, startError, restartDelayMs, removedBy } = container;
  switch (status) {
    case 'created':
      if (startError !== undefined) return `: its start failed: ${startError.replace(/\.$/, '')}`;
      return start === 0 ? ': it was never started' : ': its start was asked for and is under way';
    case 'running':
      return ` with pid ${container.pid}: ${startedBy(container)}; ${policy(container)}`;
    case 'paused':
      return ` with pid ${container.pid}: ${container.pausedBy ?? 'somebody'} paused it`;
    case 'restarting':
      return `${exit === undefined ? '' : ` after exit code ${exit.exitCode}`}: ${cause(container)}; ${policy(container)}, so it starts again ${(restartDelayMs ?? 0) / 1000} s later`;
    case 'removing':
    case 'removed':
      return `: ${removedBy ?? 'somebody'} asked for its removal${exit === undefined ? '' : `; before, it exited with code ${exit.exitCode}: ${cause(container)}`}${container.keptUntil === undefined ? '' : `; it can come back until ${clock(container.keptUntil, now)} (berth undo)`}`;
    default:
      if (container.restoredBy !== undefined) return `: ${container.restoredBy} brought it back from its removal`;
      if (startError !== undefined) return `: its start failed: ${startError.replace(/\.$/, '')}; ${policy(container)}`;
      return `${exit === undefined ? '' : ` with code ${exit.exitCode}`}: ${cause(container)}${lostChild(container)}; ${policy(container)}${isUsedUp(container) ? ', and it was started again as often' : ''}`;
  }
}

/** Why the last run ended. */
function cause({ exit, created, stop }: Pick<ContainerAt, 'exit' | 'created' | 'stop'>): string {
  if (exit === undefined) return stop === undefined ? 'nothing in the log says why' : `${stop.actor} stopped it`;
  const asker = stop?.actor ?? 'somebody';
  const signal = exit.signal === 0 ? '' : signalName(exit.signal);
  switch (exit.reason) {
    case 'completed':
      return 'its command ended by itself, well';
    case 'oom':
      return `it was killed by the kernel for lack of memory (${limit(created.hostConfig.Memory)})`;
    case 'killed-api':
      return `${asker} asked for ${stop === undefined ? 'its end' : signalName(stop.signal)}`;
    case 'killed-kernel':
      return `it was killed by ${signal || 'a signal'} that nobody asked Berth for`;
    case 'unhealthy':
      return 'its health checks failed, and it was stopped so that it starts again';
    case 'stop-timeout':
      return `${asker} stopped it, and it did not end within ${stop?.timeoutSeconds ?? 0} s of ${stop === undefined ? 'the signal' : signalName(stop.signal)}`;
    case 'keeper-lost':
      return 'the process that kept it was lost, and with it the true exit code';
    default: {
      // The command's own failure; also a signal not meant to end it, which it answered with a code of its own.
      const itself = signal === '' ? 'its command ended by itself with an error' : `its command died of ${signal}`;
      return stop !== undefined && endedBy(stop, exit) ? `${asker} asked for ${signalName(stop.signal)}` : itself;
    }
  }
}

/** What the kernel took of the run without ending it. */
function lostChild({ exit, created }: ContainerAt): string {
  return exit?.oomKilled && exit.reason !== 'oom' ? `; before, the kernel killed a child of it for lack of memory (${limit(created.hostConfig.Memory)})` : '';
}

/** A shell says 128 and the number of the signal. */
function endedBy({ signal, at }: Required<ContainerAt>['stop'], exit: Required<ContainerAt>['exit']): boolean {
  return exit.exitCode === 128 + signal || Date.parse(exit.at) - Date.parse(at) <= ANSWER_MS;
}

function startedBy({ start, startReason, lastExit, created }: ContainerAt): string {
  const which = start === 1 ? 'it was started' : `this is run ${start}, started`;
  if (startReason === 'engine-start') return `${which} with the engine, by its restart policy`;
  if (startReason !== 'restart-policy') return `${which} by a client`;
  if (lastExit?.reason === 'unhealthy') return `${which} again since the health checks of the run before failed`;
  return `${which} by its restart policy${lastExit === undefined ? '' : ` after exit code ${lastExit.exitCode} (${cause({ created, exit: lastExit })})`}`;
}

function policy({ created }: ContainerAt): string {
  const { Name: name, MaximumRetryCount: retries } = created.hostConfig.RestartPolicy ?? {};
  const label = created.config.Labels?.['berth.restart'];
  return `its restart policy is ${name || 'no'}${name === 'on-failure' && retries ? ` (at most ${retries === 1 ? 'once' : `${retries} times`})` : ''}${label ? `, and its label berth.restart is ${label}` : ''}`;
}

/** Whether it failed once more after the last restart that its policy has. */
function isUsedUp({ created, restarts, exit }: ContainerAt): boolean {
  const { Name: name, MaximumRetryCount: retries = 0 } = created.hostConfig.RestartPolicy ?? {};
  return name === 'on-failure' && retries > 0 && restarts >= retries && exit?.exitCode !== 0;
}

function limit(bytes: number | undefined): string {
  if (!bytes) return 'it has no limit of its own: the machine ran out';
  const mebibytes = bytes / 2 ** 20;
  return `limit ${Number.isInteger(mebibytes) ? mebibytes : mebibytes.toFixed(1)} MiB`;
}

const signalName = (number: number): string => Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;

/** "10:02:11 UTC", with the date where that is not the date of `now`. */
function clock(time: string, now: string): string {
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) return time;
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, 10) === now.slice(0, 10) ? '' : `${iso.slice(0, 10)} `}${iso.slice(11, 19)} UTC`;
}
