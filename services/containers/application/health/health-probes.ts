import type { Socket } from 'node:net';
import type { HealthProbe } from '#contracts/containers/container-state.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, errorMessage } from '#libs/errors/errors.js';
import { SIGKILL } from '#libs/linux/signals.js';
import { openStream } from '#libs/messaging/open-stream.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { goDuration, probeCommand, probeTimeoutMs } from '../../domain/health/health.js';
import { ProbeOutput } from '../../domain/health/probe-output.js';
import type { ExecSessions } from '../processes/exec-sessions.js';
import { ProbeMetrics } from './probe-metrics.js';

/** How long a probe that was killed may take to be gone. */
const KILL_DEADLINE_MS = 5_000;
/** Output that is under way when the command has exited; a child of it may hold the stream for ever. */
const LAST_OUTPUT_MS = 500;
const NANOSECONDS = 1_000_000;

/** Runs a container's health check once, as an exec like any other. */
export class HealthProbes {
  readonly metrics = new ProbeMetrics();

  constructor(private readonly execs: ExecSessions) {}

  /** Undefined: the engine could not ask, which says nothing of the container's health. */
  async run(container: PresentContainer, asked: RequestContext): Promise<HealthProbe | undefined> {
    const start = performance.now();
    const probe = await this.runOnce(container, asked, () => this.metrics.started(secondsSince(start)));
    if (probe) this.metrics.ended(probe.exitCode === 0, secondsSince(start));
    return probe;
  }

  private async runOnce({ spec }: PresentContainer, asked: RequestContext, onStarted: () => void): Promise<HealthProbe | undefined> {
    const healthcheck = spec.config.Healthcheck ?? {};
    const startedAt = now();
    const ended = (exitCode: number, output: string): HealthProbe => ({ startedAt, endedAt: now(), exitCode, output });
    let socket: Socket | undefined;
    try {
      const { id } = await this.execs.add(spec.id, { ...EXEC, args: probeCommand(healthcheck) ?? [] }, asked);
      const { endpoint } = await this.execs.start({ exec: id, detach: false }, asked);
      onStarted();
      const output = new ProbeOutput();
      if (endpoint) socket = await openStream(endpoint);
      const read = socket && readAll(socket, output);
      const timeoutMs = probeTimeoutMs(healthcheck);
      const exitCode = await this.execs.exitCode(id, timeoutMs);
      if (exitCode === undefined) {
        await this.execs.signal(id, SIGKILL, asked);
        await this.execs.exitCode(id, KILL_DEADLINE_MS);
        await Promise.race([read, pause(LAST_OUTPUT_MS)]);
        return ended(-1, `Health check exceeded timeout (${goDuration(timeoutMs * NANOSECONDS)})${output.text === '' ? '' : `: ${output.text}`}`);
      }
      await Promise.race([read, pause(LAST_OUTPUT_MS)]);
      return ended(exitCode, output.text);
    } catch (error) {
      if (error instanceof BerthError && (error.kind === 'unavailable' || error.kind === 'not-found' || error.kind === 'conflict')) return undefined;
      return ended(-1, errorMessage(error));
    } finally {
      socket?.destroy();
    }
  }

  /** Ends probes that an engine before this one began: nobody hears how they end. */
  async endForgotten(container: string, asked: RequestContext): Promise<void> {
    for (const exec of this.execs.runningProbes(container)) await this.execs.signal(exec, SIGKILL, asked);
  }
}

const EXEC = { env: [], user: '', workingDir: '', terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, privileged: false, detachKeys: '', probe: true } as const;

const secondsSince = (start: number): number => (performance.now() - start) / 1000;
const now = (): string => new Date().toISOString();
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

function readAll(socket: Socket, output: ProbeOutput): Promise<void> {
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => output.add(chunk));
    socket.once('end', resolve).once('close', () => resolve()).once('error', () => resolve());
  });
}
