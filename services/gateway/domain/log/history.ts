import type { LogEntry } from '#contracts/gateway/log-replies.js';
import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import { concernedBy, historyKey } from './concerns.js';
import type { Target } from './find-subject.js';
import { OperationTimes } from './operation-times.js';

/** All that happened to `target`: its own events and those of its tasks, execs, names and endpoints, in the log's order. `times`: of what came before these commits. */
export function historyOf(commits: readonly Commit[], target: Target, times = new OperationTimes()): LogEntry[] {
  return commits.flatMap((commit) => commit.events.filter((event) => concerns(commit.subject, event, target)).map((event) => times.withDuration(entryOf(commit, event))));
}

/** One event of a commit as a line of history. */
export function entryOf(commit: Commit, event: DomainEvent): LogEntry {
  const { type, ...details } = event;
  const at = 'at' in details && typeof details.at === 'string' ? details.at : commit.time;
  const { kind } = parseSubject(commit.subject);
  return { position: commit.position, time: at, aggregate: kind, event: type, actor: commit.cause.actor, cause: commit.cause.correlationId, details };
}

/** An event of a container's task, exec, name or endpoint names it; a network's pool is called after it. */
function concerns(subject: string, event: DomainEvent, target: Target): boolean {
  return concernedBy({ subject, events: [event] }).has(historyKey(target.kind, target.id));
}
