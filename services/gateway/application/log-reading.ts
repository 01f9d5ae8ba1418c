import { setTimeout as delay } from 'node:timers/promises';
import { invalid, notFound, unavailable } from '#libs/errors/errors.js';
import { subjectOf } from '#libs/event-store/aggregate-subject.js';
import type { Commit } from '#libs/event-store/event.js';
import type { FollowedEntry, LogEntry } from '#contracts/gateway/log-replies.js';
import { historyKey } from '../domain/log/concerns.js';
import { type ContainerAt, foldCommit } from '../domain/log/container-fold.js';
import { findContainer, findTarget, type Target } from '../domain/log/find-subject.js';
import { entryOf, historyOf } from '../domain/log/history.js';
import { OperationTimes } from '../domain/log/operation-times.js';
import { ALL, type ChronicledLog, type LogChronicle, type Moment } from './log-chronicle.js';
import type { PacedReader } from './replay-at-pace.js';

const WAIT_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 10;

/** Of what is past it is given no more than it is ready for; what comes does not wait. */
export interface EntryReader extends PacedReader {
  take(entries: readonly FollowedEntry[], isPast: boolean): void;
}

/** The log as /berth/ shows it. */
export class LogReading {
  constructor(
    private readonly store: ChronicledLog,
    private readonly chronicle: LogChronicle,
  ) {}

  /** What there was at `time`, milliseconds since 1970, and the log's last position; Infinity: now. */
  async at(time: number): Promise<{ readonly moment: Moment; readonly position: number }> {
    const position = await this.chronicle.caughtUp();
    return { moment: await this.chronicle.until(time), position };
  }

  /** The container that `wanted` names, as it was then, removed ones included. Rejects as not-found, conflict, and once who asked has `left`. */
  async container(moment: Moment, wanted: string, left: AbortSignal): Promise<ContainerAt> {
    const { id } = findContainer(await this.chronicle.candidates(moment, wanted, left), wanted);
    const present = moment.chronicle.containers.get(id);
    if (present) return present;
    const folded = new Map<string, ContainerAt>();
    await this.store.replay([subjectOf('container', id)], 0, (commit) => foldCommit(folded, commit), moment.position);
    const gone = folded.get(id);
    if (gone === undefined) throw notFound(`the log knows no container "${wanted}"`);
    return gone;
  }

  async containerNow(wanted: string, left: AbortSignal): Promise<ContainerAt> {
    return this.container((await this.at(Number.POSITIVE_INFINITY)).moment, wanted, left);
  }

  /** In order, piece by piece: of what has lived long it is too much to hold. Rejects as not-found, conflict, and once who asked has `left`. */
  async history(wanted: string, left: AbortSignal): Promise<{ readonly pieces: AsyncIterable<readonly LogEntry[]>; readonly position: number }> {
    const { moment, position } = await this.at(Number.POSITIVE_INFINITY);
    const target = findTarget(await this.chronicle.candidates(moment, wanted, left), wanted);
    return { pieces: this.historyPieces(target, left), position };
  }

  /** Resolves once the log reaches `position`; rejects as unavailable when it does not within 10 s. */
  async reached(position: number): Promise<void> {
    const deadline = performance.now() + WAIT_LIMIT_MS;
    while ((await this.store.lastPosition()) < position) {
      if (performance.now() > deadline) throw unavailable(`the log has not reached position ${position}`);
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** Rejects as invalid where the log ends before `position`: whoever saw it there would wait in vain for what a log that was put back to an older state appends again. */
  async requirePosition(position: number): Promise<void> {
    const last = await this.store.lastPosition();
    if (position > last) throw invalid(`"from" is ${position}, and the log ends at ${last}: was it put back to an older state?`);
  }

  /** Gives what is after `from`; with `follow` also what comes, until the reader has gone. Rejects when the log can be followed no longer. */
  async entries(from: number, follow: boolean, reader: EntryReader): Promise<void> {
    const { gone } = reader;
    const taking = (isPast: boolean) => (commit: Commit): void =>
      reader.take(commit.events.map((event, index) => ({ ...entryOf(commit, event), subject: commit.subject, commit: commit.id, index, of: commit.events.length })), isPast);
    const to = follow ? undefined : await this.store.lastPosition();
    const position = await this.chronicle.replay(ALL, { after: from, to }, taking(true), reader).catch(unlessGone(gone));
    if (!follow || gone.aborted || position === undefined) return;
    const following = await this.store.follow(ALL, position, taking(false));
    const aborted = new Promise<undefined>((resolve) => (gone.aborted ? resolve(undefined) : gone.addEventListener('abort', () => resolve(undefined), { once: true })));
    const failure = await Promise.race([following.ended, aborted]);
    await following.stop();
    if (failure !== undefined) throw failure;
  }

  private async *historyPieces(target: Target, left: AbortSignal): AsyncIterable<readonly LogEntry[]> {
    const times = new OperationTimes();
    for await (const commits of this.chronicle.concerning(historyKey(target.kind, target.id), left)) yield historyOf(commits, target, times);
  }
}

/** What is not read for who has gone is no failure. */
const unlessGone =
  (gone: AbortSignal) =>
  (error: unknown): undefined => {
    if (!gone.aborted) throw error;
    return undefined;
  };
