import type { StatusReply } from '#contracts/gateway/log-replies.js';
import type { Chronicle } from './chronicle.js';

/** `processes`: all that this engine consists of; `ready`: those that have said so. */
export function engineStatus({ totals, containers }: Chronicle, position: number, processes: readonly string[], ready: readonly string[]): StatusReply {
  const { commits, events, firstCommit, lastCommit, byAggregate } = totals;
  const byStatus: Record<string, number> = {};
  for (const { status } of containers.values()) byStatus[status] = (byStatus[status] ?? 0) + 1;
  return {
    position,
    commits,
    events,
    firstCommit,
    lastCommit,
    commitsByAggregate: sorted(byAggregate),
    containersByStatus: sorted(byStatus),
    ready: processes.filter((name) => ready.includes(name)),
    notReady: processes.filter((name) => !ready.includes(name)),
  };
}

const sorted = (counts: Readonly<Record<string, number>>): Record<string, number> => Object.fromEntries(Object.entries(counts).toSorted(([one], [other]) => (one < other ? -1 : 1)));
