import type { AggregateSubject, Commit } from './event.js';
import type { EventStore } from './event-store.js';
import { isOfFormerForm, type ReadCommit } from './commit-format.js';
import { errorMessage } from '#libs/errors/errors.js';
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
  /** Up to which the log was read: a later look may begin after it. */
  readonly position: number;
}

/**
 * Follows each subject's chain of hashes: what was lost in the middle or at the start, altered or put in another order is found.
 * A subject of which the newest commits are gone, or all, cannot be told from one that never had them, unless the log ends before `after`.
 * `after`: only what came after this position, and all of the subjects that it continues. 0: the whole log.
 */
export async function verifyChain(log: Pick<EventStore, 'replay'>, after = 0): Promise<ChainReport> {
  const chain = new Chain();
  const position = await log.replay([`${eventPrefix}.>`], after, (commit) => chain.add(commit, after > 0));
  const broken = [...chain.broken];
  if (position < after) broken.push({ subject: eventPrefix, position: after, reason: `the log ends at ${position}: what came after that is missing` });
  for (const [subject, first] of chain.continued) {
    const earlier = new Chain();
    await log.replay([subject], 0, (commit) => earlier.add(commit), after); // none of them is held: there may be a million
    broken.push(...earlier.broken);
    const reason = notFollowing(first.previousHash, earlier.last.get(subject));
    if (reason !== undefined) broken.push({ subject, position: first.position, reason });
  }
  return { commits: chain.commits, subjects: chain.last.size, broken, position };
}

interface Seen {
  readonly position: number;
  readonly hash: string;
}

function notFollowing(previousHash: string, before: Seen | undefined): string | undefined {
  if (previousHash === (before?.hash ?? '')) return undefined;
  return before === undefined ? 'commits before it are missing' : `it does not follow the commit at ${before.position}: one between them is missing, or that one was altered`;
}

class Chain {
  commits = 0;
  readonly last = new Map<AggregateSubject, Seen>();
  /** Subjects that began before what was added, by the first of their commits that was. */
  readonly continued = new Map<AggregateSubject, Pick<Commit, 'position' | 'previousHash'>>();
  readonly broken: BrokenLink[] = [];

  /** `mayContinue`: the first commit of a subject may follow one that is not added here. */
  add(commit: Commit & Partial<Pick<ReadCommit, 'statedHash'>>, mayContinue = false): void {
    const { subject, position } = commit;
    const report = (reason: string): void => void this.broken.push({ subject, position, reason });
    this.commits++;
    try {
      this.link(commit, mayContinue, report);
    } catch (error) {
      report(`it cannot be read: ${errorMessage(error)}`);
      this.last.set(subject, { position, hash: statedHashOf(commit) });
    }
  }

  private link(commit: Commit & Partial<Pick<ReadCommit, 'statedHash'>>, mayContinue: boolean, report: (reason: string) => void): void {
    const { subject, position, hash, previousHash, statedHash } = commit; // a lazy ReadCommit gives all by name
    if (commit.id === '') {
      // An answer of the log's that somebody had sent here. What is appended next follows it all the same.
      report('it is no commit');
      this.last.set(subject, { position, hash });
      return;
    }
    const before = this.last.get(subject);
    if (statedHash !== undefined && statedHash !== hash) report('its bytes are not what was written');
    if (isOfFormerForm(statedHash) && previousHash !== '' && !isOfFormerForm(previousHash)) report('its hash is of a former form, which the commit before it has not');
    if (before !== undefined && before.position >= position) report(`it comes after position ${before.position}`);
    const reason = notFollowing(previousHash, before);
    if (reason !== undefined && before === undefined && mayContinue) this.continued.set(subject, { position, previousHash });
    else if (reason !== undefined) report(reason);
    // The stated hash is what the next one was chained to: an altered commit breaks its own link only.
    this.last.set(subject, { position, hash: statedHash ?? hash });
  }
}

/** '' where that cannot be read either. */
function statedHashOf(commit: Partial<Pick<ReadCommit, 'statedHash'>>): string {
  try {
    return commit.statedHash ?? '';
  } catch {
    return '';
  }
}
