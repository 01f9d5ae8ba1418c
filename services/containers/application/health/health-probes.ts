import type { Socket } from 'node:net';
import type { HealthProbe, ProbeExec } from '#contracts/containers/container-state.js';
import type { HealthCheckEnd } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, errorMessage } from '#libs/errors/errors.js';
import { openStream } from '#libs/messaging/open-stream.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { goDuration, probeCommand, probeTimeoutMs } from '../../domain/health/health.js';
import { ProbeOutput } from '../../domain/health/probe-output.js';
import { LONGEST_TIMER_MS } from '../lifecycle/longest-timer.js';
import type { CheckExecs, CheckRun } from './check-execs.js';
import { ProbeMetrics } from './probe-metrics.js';

/** How long a probe that was killed may take to be gone. */
const KILL_DEADLINE_MS = 5_000;
/** Output that is under way when the command has exited; a child of it may hold the stream for ever. */
const LAST_OUTPUT_MS = 500;
const NANOSECONDS = 1_000_000;

/** What a health check came to, and how it ran; without that, no executor was asked. */
export interface Probed {
  readonly probe: HealthProbe;
  readonly exec?: ProbeExec;
}

/** Runs a container's health check once. */
export class HealthProbes {
  readonly metrics = new ProbeMetrics();

  constructor(private readonly execs: CheckExecs) {}

  /** Undefined: the engine could not ask, which says nothing of the container's health. */
  async run(container: PresentContainer, asked: RequestContext): Promise<Probed | undefined> {
    const start = performance.now();
    const exec = this.execs.newId();
    try {
      const probed = await this.runOnce(exec, container, asked, () => this.metrics.started(secondsSince(start)));
      this.metrics.ended(probed.probe.exitCode === 0, secondsSince(start));
      return probed;
    } catch (error) {
      if (saysNothing(error)) return undefined;
      throw error;
    } finally {
      this.execs.over(exec);
    }
  }

  private async runOnce(exec: string, { spec, run }: PresentContainer, asked: RequestContext, onStarted: () => void): Promise<Probed> {
    const healthcheck = spec.config.Healthcheck ?? {};
    const args = probeCommand(healthcheck) ?? [];
    const startedAt = now();
    const came = (exitCode: number, output: string, ran?: Omit<ProbeExec, 'id' | 'args'>): Probed =>
      ({ probe: { startedAt, endedAt: now(), exitCode, output }, ...(ran ? { exec: { id: exec, args, ...ran } } : {}) });
    let check: CheckRun;
    try {
      check = await this.execs.begin(exec, spec.id, args, asked);
    } catch (error) {
      if (saysNothing(error)) throw error;
      const end = await this.execs.end({ exec, container: spec.id, start: run.start }, KILL_DEADLINE_MS, asked).catch(() => undefined);
      return came(-1, errorMessage(error), end && ranAs(end));
    }
    const begunAt = now();
    onStarted();
    const timeoutMs = probeTimeoutMs(healthcheck);
    const ended = this.execs.end(check, timeoutMs + KILL_DEADLINE_MS, asked);
    ended.catch(() => undefined); // it is waited for below
    const output = new ProbeOutput();
    const socket = await openStream(check.output);
    try {
      const read = readAll(socket, output);
      const end = await within(ended, timeoutMs);
      if (end !== undefined) {
        await within(read, LAST_OUTPUT_MS);
        return came(end.exitCode, output.text, ranAs(end));
      }
      await this.execs.kill(exec, asked);
      const late = await within(ended, KILL_DEADLINE_MS).catch(() => undefined);
      await within(read, LAST_OUTPUT_MS);
      // It had ended in time, and was told of late, such as by an executor that had been away.
      if (late && ranMs(late) <= timeoutMs) return came(late.exitCode, output.text, ranAs(late));
      return came(-1, `Health check exceeded timeout (${goDuration(timeoutMs * NANOSECONDS)})${output.text === '' ? '' : `: ${output.text}`}`, late ? ranAs(late) : { startedAt: begunAt });
    } finally {
      socket.destroy();
    }
  }

  /** Ends probes that an older engine began: nobody hears how they end. */
  endForgotten(container: string, asked: RequestContext): Promise<void> {
    return this.execs.endForgotten(container, asked);
  }
}

const saysNothing = (error: unknown): boolean => error instanceof BerthError && (error.kind === 'unavailable' || error.kind === 'not-found' || error.kind === 'conflict');

const ranAs = ({ startedAt, endedAt: at, exitCode }: HealthCheckEnd): Omit<ProbeExec, 'id' | 'args'> => ({ ...(startedAt === undefined ? {} : { startedAt }), end: { exitCode, at } });

const ranMs = ({ startedAt, endedAt }: HealthCheckEnd): number => (startedAt === undefined ? 0 : Date.parse(endedAt) - Date.parse(startedAt));

const secondsSince = (start: number): number => (performance.now() - start) / 1000;
const now = (): string => new Date().toISOString();

/** Undefined: it takes longer. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => over.resolve(undefined), Math.min(ms, LONGEST_TIMER_MS));
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function readAll(socket: Socket, output: ProbeOutput): Promise<void> {
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => output.add(chunk));
    socket.once('end', resolve).once('close', () => resolve()).once('error', () => resolve());
  });
}
