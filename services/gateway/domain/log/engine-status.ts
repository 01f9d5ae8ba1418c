import type { StatusReply } from '#contracts/gateway/log-replies.js';
import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit } from '#libs/event-store/event.js';
import { foldContainers } from './container-fold.js';

const services = ['nats', 'executor', 'engine'];

export function engineStatus(commits: readonly Commit[], position: number, ready: readonly string[]): StatusReply {
  const present = [...foldContainers(commits).values()].filter(({ status }) => status !== 'removed');
  return {
    position,
    commits: commits.length,
    events: commits.reduce((sum, { events }) => sum + events.length, 0),
    firstCommit: commits[0]?.time ?? null,
    lastCommit: commits.at(-1)?.time ?? null,
    commitsByAggregate: count(commits.map(({ subject }) => parseSubject(subject).kind)),
    containersByStatus: count(present.map(({ status }) => status)),
    ready: services.filter((name) => ready.includes(name)),
    notReady: services.filter((name) => !ready.includes(name)),
  };
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
