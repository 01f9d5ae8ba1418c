import { expect, test } from 'vitest';
import type { HealthStatus } from '#contracts/containers/container-state.js';
import type { ContainerEvent, ExitReason, StartReason } from '#contracts/containers/events.js';
import type { StartTimes, TaskEvent } from '#contracts/executor/tasks.js';
import { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { type FrozenLifecycle, LifecycleMetrics } from './lifecycle-metrics.js';
import { writeLifecycle } from './write-lifecycle.js';

/** Seconds into the tests' hour, as events carry time. */
const at = (seconds: number): string => `2026-01-01T00:${String(Math.floor(seconds / 60)).padStart(2, '0')}:${(seconds % 60).toFixed(3).padStart(6, '0')}Z`;
const HOUR = Date.parse('2026-01-01T00:00:00Z') / 1000;

const created = (when: number, container = 'a'): ContainerEvent => ({ type: 'ContainerCreated', container, name: container, config: {}, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: '', args: [], mounts: [], at: at(when) });
const startRequested = (when: number, start = 1, reason: StartReason = 'api'): ContainerEvent => ({ type: 'StartRequested', container: 'a', start, reason, at: at(when) });
const taskRequested = (when: number, start = 1): TaskEvent => ({ type: 'TaskRequested', container: 'a', start, at: at(when) });
const taskStarted = (when: number, start = 1, took?: StartTimes): TaskEvent => ({ type: 'TaskStarted', container: 'a', start, pid: 1, ...(took ? { took } : {}), at: at(when) });
const outOfMemory = (when: number, kills: number, start = 1): TaskEvent => ({ type: 'TaskOutOfMemory', container: 'a', start, kills, at: at(when) });
const started = (when: number, start = 1): ContainerEvent => ({ type: 'ContainerStarted', container: 'a', start, pid: 1, at: at(when) });
const startFailed = (when: number, start = 1): ContainerEvent => ({ type: 'StartFailed', container: 'a', start, error: '', exitCode: 127, at: at(when) });
const stopRequested = (when: number): ContainerEvent => ({ type: 'StopRequested', container: 'a', signal: 15, timeoutSeconds: 10, at: at(when) });
const exited = (when: number, exitCode: number, signal: number, reason: ExitReason): ContainerEvent => ({ type: 'ContainerExited', container: 'a', start: 1, exitCode, signal, oomKilled: reason === 'oom', reason, at: at(when) });
const restartScheduled = (when: number, delayMs: number): ContainerEvent => ({ type: 'RestartScheduled', container: 'a', start: 1, delayMs, at: at(when) });
const kept = (when: number): ContainerEvent => ({ type: 'ContainerRemoved', container: 'a', keptUntil: at(when + 900), at: at(when) });
const restored = (when: number, name: string): ContainerEvent => ({ type: 'ContainerRestored', container: 'a', name, config: {}, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: '', args: [], mounts: [], createdAt: at(0), start: 1, at: at(when) });
const discarded = (when: number): ContainerEvent => ({ type: 'ContainerDiscarded', container: 'a', reason: 'time-over', at: at(when) });
const removed = (when: number): ContainerEvent => ({ type: 'ContainerRemoved', container: 'a', at: at(when) });

/** Each commit is one event, decided when it says. */
const given = (...events: (ContainerEvent | TaskEvent)[]) => ({
  shows: (now: number, ...lines: string[]): void => {
    const page = pageOf(events, now);
    for (const line of lines) expect(page).toContain(`${line}\n`);
  },
  hides: (now: number, text: string): void => expect(pageOf(events, now)).not.toContain(text),
});

function pageOf(events: readonly (ContainerEvent | TaskEvent)[], now: number): string {
  let metrics = new LifecycleMetrics();
  for (const event of events) {
    metrics.evolve(event, { atSeconds: Date.parse(event.at) / 1000, actor: 'reason' in event && event.reason === 'restart-policy' ? 'service:containers' : 'uid:0 pid:1', traceId: 'cafe' });
    // What was put away at any moment goes on as if it had not been.
    metrics = LifecycleMetrics.from(JSON.parse(JSON.stringify(metrics.freeze())) as FrozenLifecycle);
  }
  const out = new Exposition('openmetrics');
  writeLifecycle(metrics, HOUR + now, out);
  return String(out.bytes());
}

test('a container is in one state, and time counts for it', () =>
  given(created(0), startRequested(2), started(3)).shows(
    10,
    'berth_container_info{name="a",id="a"} 1',
    'berth_container_state{name="a",state="running"} 1',
    'berth_container_state{name="a",state="created"} 0',
    'berth_container_state_seconds_total{name="a",state="created"} 3',
    'berth_container_state_seconds_total{name="a",state="running"} 7',
  ));

test('an exit has a code class, a signal and a reason', () =>
  given(created(0), startRequested(1), started(2), exited(5, 137, 9, 'oom')).shows(
    9,
    'berth_container_exits_total{name="a",code_class="128-255",signal="SIGKILL",reason="oom"} 1',
    'berth_container_last_exit_code{name="a"} 137',
    `berth_container_last_exit_timestamp_seconds{name="a"} ${HOUR + 5}`,
    'berth_container_last_exit_oom{name="a"} 1',
    'berth_container_last_exit_reason{name="a",reason="oom"} 1',
    'berth_container_oom_kills_total{name="a",victim="init",scope="container"} 1',
  ));

test('only the last exit has its reason told so', () => {
  const twice = [created(0), startRequested(1), started(2), stopRequested(3), exited(4, 143, 15, 'killed-api'), startRequested(5, 2), started(6, 2), exited(7, 1, 0, 'error')] as const;
  given(...twice).shows(9, 'berth_container_last_exit_reason{name="a",reason="error"} 1');
  given(...twice).hides(9, 'last_exit_reason{name="a",reason="killed_api"}');
});

test('an OOM kill that the command survived was a child', () =>
  given(created(0), startRequested(1), started(2), exited(5, 1, 0, 'oom')).shows(9, 'berth_container_oom_kills_total{name="a",victim="child",scope="container"} 1'));

test('children lost to the OOM killer are counted while the container lives on, each once', () => {
  const running = [created(0), startRequested(1), started(2)] as const;
  const child = (count: number): string => `berth_container_oom_kills_total{name="a",victim="child",scope="container"} ${count}`;
  given(...running, outOfMemory(10, 1)).shows(15, child(1));
  given(...running, outOfMemory(10, 1), outOfMemory(11, 3)).shows(20, child(3));
  // The last may be the command's own, until it would have ended.
  given(...running, outOfMemory(10, 1), outOfMemory(100, 3)).shows(101, child(1));
  given(...running, outOfMemory(10, 1), outOfMemory(100, 3), { ...exited(100.5, 137, 9, 'oom') }).shows(101, child(2), 'berth_container_oom_kills_total{name="a",victim="init",scope="container"} 1');
  given(...running, outOfMemory(10, 1), { ...exited(11, 0, 0, 'killed-api'), oomKilled: true } as ContainerEvent).shows(12, child(1));
  const killedByHand = [...running, outOfMemory(10, 2), { ...exited(600, 137, 9, 'killed-api'), oomKilled: true } as ContainerEvent];
  given(...killedByHand).shows(601, child(2));
  given(...killedByHand).hides(601, 'victim="init"');
  given(...killedByHand, startRequested(602, 2), started(603, 2), outOfMemory(610, 1, 2)).shows(700, child(3));
});

test('a restart that waits shows how long, until it is due', () => {
  const waiting = [created(0), startRequested(1), started(2), exited(3, 1, 0, 'error'), restartScheduled(3, 400)] as const;
  given(...waiting).shows(3.2, 'berth_container_state{name="a",state="restarting"} 1', 'berth_restart_backoff_seconds{name="a"} 0.4');
  const again = [...waiting, startRequested(3.5, 2, 'restart-policy'), started(4, 2)] as const;
  given(...again).shows(5, 'berth_container_starts_total{name="a",cause="restart_policy",actor_class="service"} 1', 'berth_restart_backoff_seconds{name="a"} 0');
});

test('somebody who stops a container that restarts ends the restarting', () =>
  given(created(0), startRequested(1), started(2), exited(3, 1, 0, 'error'), restartScheduled(3, 400), stopRequested(3.1)).shows(4, 'berth_container_state{name="a",state="exited"} 1'));

test('a stop is graceful or killed, from the wish to the exit', () => {
  given(created(0), startRequested(1), started(2), stopRequested(10), exited(12, 143, 15, 'killed-api')).shows(20, 'berth_container_stop_seconds_sum{outcome="graceful"} 2');
  given(created(0), startRequested(1), started(2), stopRequested(10), exited(20, 137, 9, 'stop-timeout')).shows(20, 'berth_container_stop_seconds_sum{outcome="killed"} 10');
});

test('a start has phases, and the trace that it belongs to', () =>
  given(created(0), startRequested(1), taskRequested(1.25), taskStarted(2), started(2)).shows(
    3,
    'berth_container_phase_seconds_sum{phase="network",outcome="ok"} 0.25',
    'berth_container_phase_seconds_sum{phase="exec",outcome="ok"} 0.75',
    `berth_container_phase_seconds_bucket{phase="start",outcome="ok",le="1"} 1 # {trace_id="cafe"} 1 ${HOUR + 2}`,
  ));

test('what the executor tells of parts of a start are phases of their own, and all add up to it', () => {
  const sum = (phase: string, seconds: number): string => `berth_container_phase_seconds_sum{phase="${phase}",outcome="ok"} ${seconds}`;
  given(created(0), startRequested(1), taskRequested(1.25), taskStarted(2, 1, { snapshot: 125_000, clone: 62_500, mounts: 250_000 }), started(2)).shows(3, sum('network', 0.25), sum('snapshot', 0.125), sum('clone', 0.0625), sum('mounts', 0.25), sum('exec', 0.3125), sum('start', 1));
  // What the host's clock says of the whole may be less than what its parts took.
  given(created(0), startRequested(1), taskRequested(2), taskStarted(2, 1, { snapshot: 125_000 }), started(2)).shows(3, sum('snapshot', 0.125), sum('exec', 0));
});

test('the last phase of a start is over when its health check knows', () => {
  const probed = (when: number, was: HealthStatus, status: HealthStatus): ContainerEvent => ({ type: 'HealthProbed', container: 'a', start: 1, probe: { startedAt: at(when), endedAt: at(when), exitCode: 0, output: '' }, was, status, failingStreak: 0, at: at(when) });
  const healthy = given(created(0), startRequested(1), started(2), probed(4, 'starting', 'starting'), probed(9, 'starting', 'healthy'), probed(20, 'healthy', 'unhealthy'), probed(30, 'unhealthy', 'healthy'));
  healthy.shows(40, 'berth_container_phase_seconds_sum{phase="healthy",outcome="ok"} 7', 'berth_container_phase_seconds_count{phase="healthy",outcome="ok"} 1');
  healthy.hides(40, 'phase="healthy",outcome="error"');
  given(created(0), startRequested(1), started(2), probed(5, 'starting', 'unhealthy')).shows(40, 'berth_container_phase_seconds_sum{phase="healthy",outcome="error"} 3');
});

test('a start that failed failed in the phase it had come to', () => {
  given(created(0), startRequested(1), startFailed(2)).shows(3, 'berth_container_phase_seconds_sum{phase="network",outcome="error"} 1', 'berth_container_state{name="a",state="created"} 1');
  given(created(0), startRequested(1), taskRequested(2), startFailed(3)).shows(4, 'berth_container_phase_seconds_sum{phase="exec",outcome="error"} 1');
});

test('a removed container leaves no series with its name, and what has none stays', () => {
  const gone = [created(0), startRequested(1), taskRequested(1), taskStarted(2), started(2), stopRequested(3), exited(4, 0, 0, 'killed-api'), removed(5)] as const;
  given(...gone).hides(6, 'name="a"');
  given(...gone).shows(6, 'berth_container_stop_seconds_count{outcome="graceful"} 1');
});

test('a container that was brought back has the exits and counts that it had, and no time for the while it was away', () => {
  const away = [created(0), startRequested(1), started(2), stopRequested(3), exited(4, 137, 9, 'oom'), kept(6)] as const;
  given(...away).hides(100, 'name="a"');
  given(...away, restored(106, 'b')).shows(
    110,
    'berth_container_state{name="b",state="exited"} 1',
    'berth_container_state_seconds_total{name="b",state="running"} 2',
    'berth_container_state_seconds_total{name="b",state="exited"} 6',
    'berth_container_starts_total{name="b",cause="api",actor_class="root"} 1',
    'berth_container_exits_total{name="b",code_class="128-255",signal="SIGKILL",reason="oom"} 1',
    'berth_container_oom_kills_total{name="b",victim="init",scope="container"} 1',
    'berth_container_last_exit_code{name="b"} 137',
    `berth_container_last_exit_timestamp_seconds{name="b"} ${HOUR + 4}`,
    'berth_container_last_exit_reason{name="b",reason="oom"} 1',
  );
  given(...away, discarded(906), restored(907, 'b')).hides(910, 'last_exit_code{');
});

test('what comes after a removal, or of a container nobody created, is passed over', () => given(taskStarted(1), exited(2, 0, 0, 'completed')).hides(3, 'name='));
