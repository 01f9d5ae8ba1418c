import type { LogEntry } from '#contracts/gateway/log-replies.js';
import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import type { Target } from './find-subject.js';

/** All that happened to `target`: its own events and those of its tasks, execs, names and endpoints, in the log's order. */
export function historyOf(commits: readonly Commit[], target: Target): LogEntry[] {
  return commits.flatMap((commit) => commit.events.filter((event) => concerns(commit.subject, event, target)).map((event) => entryOf(commit, event)));
}

/** One event of a commit as a line of history. */
export function entryOf(commit: Commit, event: DomainEvent): LogEntry {
  const { type, ...details } = event;
  const at = 'at' in details && typeof details.at === 'string' ? details.at : commit.time;
  const { kind } = parseSubject(commit.subject);
  return { position: commit.position, time: at, aggregate: kind, event: type, actor: commit.cause.actor, cause: commit.cause.correlationId, details };
}

function concerns(subject: string, event: DomainEvent, target: Target): boolean {
  const { kind, id } = parseSubject(subject);
  if (kind === target.kind) return id.replace(/^sha256:/, '') === target.id;
  const named = event as { readonly container?: unknown; readonly endpoint?: unknown };
  if (target.kind === 'container') {
    // An endpoint is called after its container and start; its release names no container.
    return named.container === target.id || (typeof named.endpoint === 'string' && named.endpoint.startsWith(target.id));
  }
  return target.kind === 'network' && kind === 'pool' && id === target.id;
}
