import type { AggregateSubject, Commit } from './event.js';
import type { EventStore } from './event-store.js';
import type { ReadCommit } from './commit-format.js';
import { eventPrefix } from './aggregate-subject.js';

export interface BrokenLink {
  readonly subject: AggregateSubject;
  readonly position: number;
  readonly reason: string;
}

export interface ChainReport {
  readonly commits: number;
  readonly subjects: number;
  readonly broken: readonly BrokenLink[];
}

/**
 * Follows each subject's chain of hashes: what was lost in the middle or at the start, altered or put in another order is found.
 * A subject of which the newest commits are gone, or all, cannot be told from one that never had them.
 */
export async function verifyChain(log: Pick<EventStore, 'replay'> | Iterable<Commit>): Promise<ChainReport> {
  const chain = new Chain();
  if (Symbol.iterator in log) for (const commit of log) chain.add(commit);
  else await log.replay([`${eventPrefix}.>`], 0, (commit) => chain.add(commit));
  return { commits: chain.commits, subjects: chain.last.size, broken: chain.broken };
}

class Chain {
  commits = 0;
  readonly last = new Map<AggregateSubject, { readonly position: number; readonly hash: string }>();
  readonly broken: BrokenLink[] = [];

  add(commit: Commit & Partial<Pick<ReadCommit, 'statedHash'>>): void {
    const { subject, position, hash, previousHash, statedHash } = commit; // a lazy ReadCommit gives all by name
    const before = this.last.get(subject);
    const report = (reason: string): number => this.broken.push({ subject, position, reason });
    this.commits++;
    if (statedHash !== undefined && statedHash !== hash) report('its bytes are not what was written');
    if (before === undefined) {
      if (previousHash !== '') report('commits before it are missing');
    } else {
      if (before.position >= position) report(`it comes after position ${before.position}`);
      if (previousHash !== before.hash) report(`it does not follow the commit at ${before.position}: one between them is missing, or that one was altered`);
    }
    // The stated hash is what the next one was chained to: an altered commit breaks its own link only.
    this.last.set(subject, { position, hash: statedHash ?? hash });
  }
}
