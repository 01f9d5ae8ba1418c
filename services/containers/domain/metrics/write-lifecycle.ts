import { signalName } from '#libs/linux/signals.js';
import { labelText, type Exposition } from '#libs/telemetry/metrics/exposition.js';
import type { HistogramData } from '#libs/telemetry/metrics/histogram.js';
import { childrenKilled, type ContainerMetrics, type LifecycleMetrics, type MeasuredPhase, type Outcome, STATES } from './lifecycle-metrics.js';

/** Berth's own series of containers. `now`: seconds since 1970. `measured`: phases that the log does not have, by "phase outcome". */
export function writeLifecycle(metrics: LifecycleMetrics, now: number, out: Exposition, measured: ReadonlyMap<`${MeasuredPhase} ${Outcome}`, HistogramData> = new Map()): void {
  const containers = [...metrics.containers.values()];
  const each = (write: (container: ContainerMetrics, name: string) => void): void => {
    for (const container of containers) write(container, container.name);
  };

  out.family('berth_container_info', 'gauge', '1: which id the container of a name has.');
  for (const [id, { name }] of metrics.containers) out.sample(labelText({ name, id }), 1);

  out.family('berth_container_state', 'gauge', '1 for the state that a container is in, kept after its exit until it is removed.');
  each((container, name) => STATES.forEach((state) => out.sample(labelText({ name, state }), container.state === state ? 1 : 0)));

  out.family('berth_container_state_seconds_total', 'counter', 'Time that a container has spent in each state it was in.');
  each((container, name) => {
    for (const state of STATES) {
      const spent = (container.spent.get(state) ?? 0) + (container.state === state ? Math.max(0, now - container.since) : 0);
      if (container.state === state || container.spent.has(state)) out.sample(labelText({ name, state }), spent);
    }
  });

  out.family('berth_container_starts_total', 'counter', 'Starts asked for, by what asked, and by whom.');
  each((container, name) => {
    for (const [starter, count] of container.starts) {
      const [reason = '', actor = ''] = starter.split(' ');
      out.sample(labelText({ name, cause: reason.replaceAll('-', '_'), actor_class: actor }), count);
    }
  });

  out.family('berth_container_exits_total', 'counter', 'Exits, by code, signal and what they came of.');
  each((container, name) => {
    for (const { labels, count } of container.exits.values()) {
      out.sample(labelText({ name, code_class: labels.codeClass, signal: labels.signal === 0 ? '' : signalName(labels.signal), reason: labels.reason.replaceAll('-', '_') }), count);
    }
  });

  out.family('berth_container_last_exit_code', 'gauge', 'Exit code of the last run that ended.');
  each(({ lastExit }, name) => lastExit && out.sample(labelText({ name }), lastExit.code));
  out.family('berth_container_last_exit_timestamp_seconds', 'gauge', 'When the last run ended, since 1970.');
  each(({ lastExit }, name) => lastExit && out.sample(labelText({ name }), lastExit.atSeconds));
  out.family('berth_container_last_exit_oom', 'gauge', '1 when the last run that ended lost a process to the OOM killer.');
  each(({ lastExit }, name) => lastExit && out.sample(labelText({ name }), lastExit.oom ? 1 : 0));
  out.family('berth_container_last_exit_reason', 'gauge', '1 for what the last run that ended came of.');
  each(({ lastExit }, name) => lastExit && out.sample(labelText({ name, reason: lastExit.reason.replaceAll('-', '_') }), 1));

  out.family('berth_container_oom_kills_total', 'counter', 'Processes lost to the OOM killer: the command itself (init), or a child of it, told while the container lives on.');
  each((container, name) => {
    const kills = { init: container.oomKills.get('init') ?? 0, child: childrenKilled(container, now) };
    for (const [victim, count] of Object.entries(kills)) if (count > 0) out.sample(labelText({ name, victim, scope: 'container' }), count);
  });

  out.family('berth_restart_backoff_seconds', 'gauge', 'How long a container that restarts waits before its next try; 0: it does not.');
  each((container, name) => out.sample(labelText({ name }), container.state === 'restarting' ? container.backoffSeconds : 0));

  out.family('berth_container_stop_seconds', 'histogram', 'From the wish to stop to the exit; killed: the signal was not heeded in time.');
  for (const outcome of ['graceful', 'killed'] as const) out.histogram(labelText({ outcome }), metrics.stops[outcome]);

  out.family('berth_container_phase_seconds', 'histogram', 'Where a start spends its time. By what the log holds: network, snapshot, clone, mounts, exec, append, and start as a whole; healthy, from there until its health check knows. As this process measured it: command, decide, and image at its creation.');
  for (const [key, histogram] of [...metrics.phases, ...measured]) {
    const [phase = '', outcome = ''] = key.split(' ');
    out.histogram(labelText({ phase, outcome }), histogram);
  }
}
