import type { ContainerEvent, ExitReason, StartReason } from '#contracts/containers/events.js';
import type { StartTimes, TaskEvent } from '#contracts/executor/tasks.js';
import { actorClass } from '#libs/telemetry/metrics/actor-class.js';
import { FINE_BOUNDS, type FrozenHistogram, Histogram } from '#libs/telemetry/metrics/histogram.js';
import { SparseBuckets } from '#libs/telemetry/metrics/sparse-buckets.js';

/** As `berth_container_state` tells it. What is being removed keeps the state it had. */
export const STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead'] as const;
export type MetricState = (typeof STATES)[number];

export interface ContainerMetrics {
  name: string;
  state: MetricState;
  /** Seconds since 1970. */
  since: number;
  /** In states that are over, in seconds. */
  readonly spent: Map<MetricState, number>;
  /** By what asked for them, and who. */
  readonly starts: Map<Starter, number>;
  readonly exits: Map<string, { readonly labels: ExitLabels; count: number }>;
  readonly oomKills: Map<'init' | 'child', number>;
  /** Of one run: how many kills were told of it, and of those the ones that `oomKills` does not have yet: the last may be the command's own, which its exit tells. */
  oomRun: { readonly start: number; readonly kills: number; readonly unsettled: number; readonly atSeconds: number } | undefined;
  lastExit: { readonly code: number; readonly atSeconds: number; readonly oom: boolean; readonly reason: ExitReason } | undefined;
  /** Of the last restart that was scheduled: counts while the state is restarting. */
  backoffSeconds: number;
  stopRequestedAt: number | undefined;
  /** The run that is being started, and when each step of it was on the log. */
  starting: { readonly start: number; readonly requestedAt: number; launchedAt?: number; executedAt?: number } | undefined;
  /** When the run began that is there, or was last, seconds since 1970. */
  startedAt: number | undefined;
}

/** "reason actor-class" */
export type Starter = `${StartReason} ${string}`;

export interface ExitLabels {
  readonly codeClass: string;
  readonly signal: number;
  readonly reason: ExitReason;
}

/** What one commit says beside its events. */
export interface CommitFacts {
  /** When it was decided, seconds since 1970. */
  readonly atSeconds: number;
  readonly actor: string;
  readonly traceId?: string;
}

/** Those until `append` add up to `start`. */
export type Phase = 'network' | 'snapshot' | 'clone' | 'mounts' | 'exec' | 'append' | 'start' | 'healthy';
/** Those that leave nothing on the log. */
export type MeasuredPhase = 'command' | 'decide' | 'image';
export type Outcome = 'ok' | 'error';

/** Bounds of how long a stop takes: Docker's own patience is 10 s. */
const STOP_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60];
/** And how long until the first healthy probe, which is due after an interval: 30 s, where nobody says otherwise. */
const HEALTHY_BOUNDS = [0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 120, 300, 600];

/** What is kept of a container, as JSON: what is undefined has no field. */
interface FrozenContainer extends Omit<ContainerMetrics, 'spent' | 'starts' | 'exits' | 'oomKills' | 'oomRun' | 'lastExit' | 'stopRequestedAt' | 'starting' | 'startedAt'> {
  readonly spent: readonly (readonly [MetricState, number])[];
  readonly starts: readonly (readonly [Starter, number])[];
  readonly exits: readonly (readonly [string, { readonly labels: ExitLabels; count: number }])[];
  readonly oomKills: readonly (readonly ['init' | 'child', number])[];
  readonly oomRun?: ContainerMetrics['oomRun'];
  readonly lastExit?: ContainerMetrics['lastExit'];
  readonly stopRequestedAt?: ContainerMetrics['stopRequestedAt'];
  readonly starting?: ContainerMetrics['starting'];
  readonly startedAt?: ContainerMetrics['startedAt'];
}

/** What is kept of all of them. */
export interface FrozenLifecycle {
  readonly containers: readonly (readonly [id: string, container: FrozenContainer])[];
  readonly kept: readonly (readonly [id: string, container: FrozenContainer])[];
  readonly stops: { readonly graceful: FrozenHistogram; readonly killed: FrozenHistogram };
  readonly phases: readonly (readonly [`${Phase} ${Outcome}`, FrozenHistogram])[];
}

/** Version of what is kept, and of what is made of events: change it with either. */
export const LIFECYCLE_FOLD = '7';

/**
 * What the log says of containers, in numbers: a fold of containers' and tasks' events, so that a restart of the engine sets nothing back. Series of a container go
 * with it; what has no container's name stays.
 */
export class LifecycleMetrics {
  readonly containers = new Map<string, ContainerMetrics>();
  /** Removed ones that can come back: they have no series meanwhile. */
  private readonly kept = new Map<string, ContainerMetrics>();
  stops = { graceful: new Histogram(STOP_BOUNDS), killed: new Histogram(STOP_BOUNDS) };
  /** By "phase outcome". */
  readonly phases = new Map<`${Phase} ${Outcome}`, Histogram>();

  static from({ containers, kept, stops, phases }: FrozenLifecycle): LifecycleMetrics {
    const metrics = new LifecycleMetrics();
    for (const [id, container] of containers) metrics.containers.set(id, thawed(container));
    for (const [id, container] of kept) metrics.kept.set(id, thawed(container));
    metrics.stops = { graceful: Histogram.from(stops.graceful), killed: Histogram.from(stops.killed) };
    for (const [key, histogram] of phases) metrics.phases.set(key, Histogram.from(histogram));
    return metrics;
  }

  freeze(): FrozenLifecycle {
    return { containers: Array.from(this.containers, frozen), kept: Array.from(this.kept, frozen), stops: { graceful: this.stops.graceful.freeze(), killed: this.stops.killed.freeze() }, phases: Array.from(this.phases, ([key, histogram]) => [key, histogram.freeze()] as const) };
  }

  /** Events of others are passed over. */
  evolve(event: ContainerEvent | TaskEvent, facts: CommitFacts): void {
    if (event.type === 'ContainerCreated') {
      this.containers.set(event.container, created(event.name, seconds(event.at)));
      return;
    }
    if (event.type === 'ContainerRestored') {
      const restored = { ...created(event.name, seconds(event.at)), state: event.start > 0 ? 'exited' : 'created' } as const;
      const { spent, starts, exits, oomKills, lastExit } = this.kept.get(event.container) ?? restored;
      this.containers.set(event.container, { ...restored, spent, starts, exits, oomKills, lastExit });
      this.kept.delete(event.container);
      return;
    }
    if (event.type === 'ContainerDiscarded') {
      this.kept.delete(event.container);
      return;
    }
    const container = this.containers.get(event.container);
    if (container === undefined) return;
    const at = seconds(event.at);
    switch (event.type) {
      case 'StartRequested':
        count(container.starts, `${event.reason} ${actorClass(facts.actor)}`);
        container.stopRequestedAt = undefined;
        container.starting = { start: event.start, requestedAt: at };
        return;
      case 'TaskRequested':
        if (container.starting?.start === event.start) {
          container.starting.launchedAt = at;
          this.phase('network', 'ok', at - container.starting.requestedAt, facts);
        }
        return;
      case 'TaskStarted':
        if (container.starting?.start === event.start && container.starting.launchedAt !== undefined) {
          container.starting.executedAt = at;
          const parts = Object.entries(event.took ?? {}) as [keyof StartTimes, number][];
          for (const [part, microseconds] of parts) this.phase(part, 'ok', microseconds / 1e6, facts);
          const known = parts.reduce((sum, [, microseconds]) => sum + microseconds / 1e6, 0);
          this.phase('exec', 'ok', Math.max(0, at - container.starting.launchedAt - known), facts);
        }
        return;
      case 'TaskOutOfMemory': {
        settle(container);
        const known = container.oomRun?.start === event.start ? container.oomRun.kills : 0;
        container.oomRun = { start: event.start, kills: event.kills, unsettled: Math.max(0, event.kills - known), atSeconds: at };
        return;
      }
      case 'ContainerStarted':
        enter(container, 'running', at);
        if (container.starting?.start === event.start) {
          this.phase('append', 'ok', facts.atSeconds - at, facts);
          this.phase('start', 'ok', facts.atSeconds - container.starting.requestedAt, facts);
        }
        container.starting = undefined;
        container.startedAt = at;
        return;
      case 'HealthProbed':
        if (event.was === 'starting' && event.status !== 'starting' && container.startedAt !== undefined) this.phase('healthy', event.status === 'healthy' ? 'ok' : 'error', at - container.startedAt, facts);
        return;
      case 'StartFailed': {
        const { starting } = container;
        if (starting?.start === event.start) {
          const failed = starting.launchedAt === undefined ? 'network' : 'exec';
          this.phase(failed, 'error', at - (starting.launchedAt ?? starting.requestedAt), facts);
          this.phase('start', 'error', at - starting.requestedAt, facts);
        }
        container.starting = undefined;
        // A container that never ran stays created, as in `docker ps -a`.
        if (event.start > 1) enter(container, 'exited', at);
        return;
      }
      case 'UnhealthyRestartRequested':
      case 'StopRequested':
        container.stopRequestedAt = at;
        if (container.state === 'restarting') enter(container, 'exited', at);
        return;
      case 'ContainerExited':
        this.exited(container, event, at);
        return;
      case 'ContainerPaused':
        enter(container, 'paused', at);
        return;
      case 'ContainerUnpaused':
        enter(container, 'running', at);
        return;
      case 'RestartScheduled':
        enter(container, 'restarting', at);
        container.backoffSeconds = event.delayMs / 1000;
        return;
      case 'ContainerRenamed':
        container.name = event.name;
        return;
      case 'ContainerRemoved':
        if (event.keptUntil !== undefined) {
          settle(container);
          enter(container, container.state, at); // nothing counts while it is kept
          this.kept.set(event.container, container);
        }
        this.containers.delete(event.container);
        return;
    }
  }

  private exited(container: ContainerMetrics, event: Extract<ContainerEvent, { type: 'ContainerExited' }>, at: number): void {
    const labels: ExitLabels = { codeClass: codeClass(event.exitCode), signal: event.signal, reason: event.reason };
    const key = `${labels.codeClass} ${labels.signal} ${labels.reason}`;
    const known = container.exits.get(key) ?? { labels, count: 0 };
    known.count++;
    container.exits.set(key, known);
    this.outOfMemory(container, event, at);
    container.lastExit = { code: event.exitCode, atSeconds: at, oom: event.oomKilled, reason: event.reason };
    if (container.stopRequestedAt !== undefined) this.stops[event.reason === 'stop-timeout' ? 'killed' : 'graceful'].observe(at - container.stopRequestedAt);
    container.stopRequestedAt = undefined;
    enter(container, 'exited', at);
  }

  /** The kernel kills with SIGKILL; a command that ended otherwise, or for another reason, lost children at the most. */
  private outOfMemory(container: ContainerMetrics, { start, oomKilled, signal, reason }: Extract<ContainerEvent, { type: 'ContainerExited' }>, at: number): void {
    const told = container.oomRun?.start === start ? container.oomRun : undefined;
    const own = reason === 'oom' && signal === 9 && (told === undefined || (told.unsettled > 0 && at - told.atSeconds < OOM_SETTLED_SECONDS));
    if (own) count(container.oomKills, 'init');
    // Engines before told of it by the end alone.
    else if (oomKilled && told === undefined) count(container.oomKills, 'child');
    settle(container, own ? 1 : 0);
    container.oomRun = undefined;
  }

  private phase(phase: Phase, outcome: Outcome, spent: number, { traceId, atSeconds }: CommitFacts): void {
    const key = `${phase} ${outcome}` as const;
    const histogram = this.phases.get(key) ?? new Histogram(phase === 'healthy' ? HEALTHY_BOUNDS : FINE_BOUNDS, new SparseBuckets());
    this.phases.set(key, histogram);
    histogram.observe(spent, traceId === undefined ? undefined : { traceId, atSeconds });
  }
}

/** A command that the OOM killer took has ended by then. */
const OOM_SETTLED_SECONDS = 5;

/** Counters never go down: a kill is a child's once it cannot be the command's own any more. */
export function childrenKilled({ oomKills, oomRun }: ContainerMetrics, now: number): number {
  return (oomKills.get('child') ?? 0) + (oomRun !== undefined && now - oomRun.atSeconds >= OOM_SETTLED_SECONDS ? oomRun.unsettled : 0);
}

/** All that was told but `own` were children. */
function settle(container: ContainerMetrics, own = 0): void {
  const children = Math.max(0, (container.oomRun?.unsettled ?? 0) - own);
  if (children > 0) count(container.oomKills, 'child', children);
}

const created = (name: string, since: number): ContainerMetrics => ({
  name,
  state: 'created',
  since,
  spent: new Map(),
  starts: new Map(),
  exits: new Map(),
  oomKills: new Map(),
  oomRun: undefined,
  lastExit: undefined,
  backoffSeconds: 0,
  stopRequestedAt: undefined,
  starting: undefined,
  startedAt: undefined,
});

const frozen = ([id, { spent, starts, exits, oomKills, ...rest }]: readonly [string, ContainerMetrics]): readonly [string, FrozenContainer] => [
  id,
  { ...rest, spent: [...spent], starts: [...starts], exits: [...exits], oomKills: [...oomKills] },
];

const thawed = ({ spent, starts, exits, oomKills, oomRun, lastExit, stopRequestedAt, starting, startedAt, ...rest }: FrozenContainer): ContainerMetrics => ({
  ...rest, spent: new Map(spent), starts: new Map(starts), exits: new Map(exits), oomKills: new Map(oomKills), oomRun, lastExit, stopRequestedAt, starting, startedAt,
});

function enter(container: ContainerMetrics, state: MetricState, at: number): void {
  container.spent.set(container.state, (container.spent.get(container.state) ?? 0) + Math.max(0, at - container.since));
  container.state = state;
  container.since = at;
}

function count<Key>(counts: Map<Key, number>, key: Key, more = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

/** Few values, whatever the program exits with: Docker's own codes stay apart. */
function codeClass(code: number): string {
  if (code === 0 || (code >= 125 && code <= 127)) return String(code);
  return code < 125 ? '1-124' : '128-255';
}

/** RFC 3339 to seconds since 1970, with all the digits it has: Date keeps milliseconds. */
export function seconds(at: string): number {
  const fraction = /\.\d{3}(\d+)/.exec(at)?.[1];
  const milliseconds = Date.parse(at);
  return milliseconds / 1000 + (fraction === undefined ? 0 : Number(`0.000${fraction}`));
}
