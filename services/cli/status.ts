import { readdirSync } from 'node:fs';
import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit } from '#libs/event-store/event.js';
import { foldContainers } from './container-fold.js';

export interface EngineStatus {
  /** The log's last position. */
  readonly position: number;
  readonly commits: number;
  readonly events: number;
  readonly firstCommit: string | null;
  readonly lastCommit: string | null;
  readonly commitsByAggregate: Readonly<Record<string, number>>;
  /** Removed ones are not counted. */
  readonly containersByStatus: Readonly<Record<string, number>>;
  readonly ready: readonly string[];
  readonly notReady: readonly string[];
}

const services = ['nats', 'executor', 'engine'];

export function engineStatus(commits: readonly Commit[], position: number, ready: readonly string[]): EngineStatus {
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

/** The services that have said they are ready. */
export function readyServices(runRoot: string): string[] {
  try {
    return readdirSync(`${runRoot}/ready`);
  } catch {
    return []; // never started since the machine did
  }
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
