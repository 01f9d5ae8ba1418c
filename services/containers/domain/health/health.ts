import type { Healthcheck } from '#contracts/containers/container-config.js';
import type { ContainerHealth, HealthProbe, HealthStatus } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';

const MILLISECOND = 1_000_000;
const SECOND = 1_000 * MILLISECOND;
/** Docker's own (`docker run --help`, Dockerfile reference, HEALTHCHECK), in nanoseconds. */
const DEFAULTS = { interval: 30 * SECOND, timeout: 30 * SECOND, startPeriod: 0, startInterval: 5 * SECOND, retries: 3 };
const KEPT_PROBES = 5;
export const PROBE_OUTPUT_BYTES = 4096;

/** The command of a health check, undefined where there is none. A kind that nobody knows is none, as in Docker. */
export function probeCommand(healthcheck: Healthcheck | null | undefined): readonly string[] | undefined {
  const [kind, ...words] = healthcheck?.Test ?? [];
  if (kind === 'CMD') return words;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : undefined;
}

export const probeTimeoutMs = (healthcheck: Healthcheck): number => (healthcheck.Timeout || DEFAULTS.timeout) / MILLISECOND;

/** Throws invalid, in dockerd's words, for times that are too short and for negative ones. */
export function checkHealthcheck(healthcheck: Healthcheck | null | undefined): void {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const time = healthcheck?.[name] ?? 0;
    if (time !== 0 && time < MILLISECOND) throw invalid(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((healthcheck?.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
}

/** What the client left open is the image's, field by field. */
export function mergeHealthcheck(own: Healthcheck | null | undefined, image: Healthcheck | undefined): Healthcheck {
  const merged: Record<string, unknown> = { ...image };
  for (const [name, value] of Object.entries(own ?? {})) {
    const open = Array.isArray(value) ? value.length === 0 : !value;
    if (!open || !Object.hasOwn(merged, name)) merged[name] = value;
  }
  return merged as Healthcheck; // of two of them
}

/** How a run stands. `now`: since 1970. `ranMs`: since its start, by a clock that nobody sets. */
export interface RunTimes {
  readonly startedAt: string;
  readonly now: number;
  readonly ranMs: number;
}

/**
 * In how many milliseconds the next probe is due: an interval after the last one of this run, else after the start. Shorter while it starts. No later
 * than an interval from now, which a clock that was set back would give.
 */
export function nextProbeIn(health: ContainerHealth, healthcheck: Healthcheck, { startedAt, now, ranMs }: RunTimes): number {
  const start = Date.parse(startedAt);
  const ended = Date.parse(health.log.at(-1)?.endedAt ?? '');
  const last = ended > start ? ended : start;
  const starting = health.status === 'starting' && ranMs < (healthcheck.StartPeriod || DEFAULTS.startPeriod) / MILLISECOND;
  const interval = (starting ? healthcheck.StartInterval || DEFAULTS.startInterval : healthcheck.Interval || DEFAULTS.interval) / MILLISECOND;
  return Math.min(Math.max(last + interval - now, 0), interval);
}

/** A failure counts unless the container still starts: `ranMs` after its start the probe began. As many as `Retries` in a row make it unhealthy, one success healthy. */
export function afterProbe(health: ContainerHealth, probe: HealthProbe, { healthcheck, ranMs }: { readonly healthcheck: Healthcheck; readonly ranMs: number }): { status: HealthStatus; failingStreak: number } {
  if (probe.exitCode === 0) return { status: 'healthy', failingStreak: 0 };
  const { status, failingStreak } = health;
  if (status === 'starting' && ranMs < (healthcheck.StartPeriod || DEFAULTS.startPeriod) / MILLISECOND) return { status, failingStreak };
  const failures = failingStreak + 1;
  return { status: isIll({ failingStreak: failures }, healthcheck) ? 'unhealthy' : status, failingStreak: failures };
}

/** By its probes: one that was paused is called unhealthy without having failed any. */
export const isIll = ({ failingStreak }: Pick<ContainerHealth, 'failingStreak'>, { Retries }: Healthcheck): boolean => failingStreak >= (Retries || DEFAULTS.retries);

/** It is told again where nobody knew whether the log had taken it. */
export const isTold = ({ log }: ContainerHealth, { startedAt, endedAt }: HealthProbe): boolean => log.at(-1)?.startedAt === startedAt && log.at(-1)?.endedAt === endedAt;

export const withProbe = (health: ContainerHealth, { probe, status, failingStreak }: { readonly probe: HealthProbe; readonly status: HealthStatus; readonly failingStreak: number }): ContainerHealth =>
  ({ status, failingStreak, log: [...health.log, probe].slice(-KEPT_PROBES) });

export const healthWhenStarted = (before: ContainerHealth | undefined): ContainerHealth => ({ status: 'starting', failingStreak: 0, log: before?.log ?? [] });

/** What nobody looks at any more, since it is over or paused, is shown as unhealthy: dockerd's clients count on it. */
export const healthWhenOver = (health: ContainerHealth): ContainerHealth => ({ ...health, status: 'unhealthy' });

const RESTART_LABEL = 'berth.restart';

/**
 * `--label berth.restart=unhealthy[:N]`: how often in a row an unhealthy container starts again, 0 for always; undefined where it is not asked for. `labels`: the
 * client's alone, since an image must not steer the engine. Throws invalid for another value.
 */
export function unhealthyRestartsOf(labels: Readonly<Record<string, string>> | null | undefined): number | undefined {
  const asked = labels && Object.hasOwn(labels, RESTART_LABEL) ? labels[RESTART_LABEL] : undefined;
  if (asked === undefined) return undefined;
  const [, most = '0'] = /^unhealthy(?::([1-9]\d{0,8}))?$/.exec(asked) ?? invalidLabel(asked);
  return Number(most);
}

function invalidLabel(asked: string): never {
  throw invalid(`invalid label ${RESTART_LABEL}=${asked}: use "unhealthy", or "unhealthy:N" for at most N restarts in a row`);
}

/** As Go prints a time.Duration: "1m30s", "1.5s", "500ms". */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds < SECOND) return nanoseconds < MILLISECOND ? `${nanoseconds / 1000}µs` : `${nanoseconds / MILLISECOND}ms`;
  const seconds = nanoseconds / SECOND;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Number((seconds - hours * 3600 - minutes * 60).toFixed(9));
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${rest}s`;
}
