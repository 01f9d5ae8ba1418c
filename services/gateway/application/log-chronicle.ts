import type { Commit } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { Fold } from '#libs/event-store/fold.js';
import type { ChapterFiles, ChapterHead } from '../adapters/chapters/chapter-files.js';
import type { DockerEvents } from '../domain/docker/events.js';
import { Chronicle, type FrozenChronicle } from '../domain/log/chronicle.js';
import { keyHash } from '../domain/log/concerns.js';
import { Division } from '../domain/log/division.js';
import { bareName, type Candidate, isSettled, lookedUpBy, mayBeMeant } from '../domain/log/find-subject.js';
import { mayHave } from '../domain/log/key-filter.js';
import { OpenChapter } from './open-chapter.js';
import { type PacedReader, type Positions as Between, replayAtPace } from './replay-at-pace.js';
import { Turns } from './turns.js';

export const ALL = ['berth.event.>'];
/** Commits of a chapter: some 40 ms to read. */
const CHAPTER = 4096;
/** Of more commits in one stretch it is cheaper to read the stretch than to ask for each. */
const MOST_SINGLE = 128;
/** Files read, and commits asked for, at once. */
const AT_ONCE = 16;
/** Pieces of the past read at once. */
const PIECES_AT_ONCE = 4;

export type ChronicledLog = Pick<EventStore, 'follow' | 'replay' | 'commitAt' | 'lastPosition' | 'read'>;

/** What there was at one moment of the log. */
export interface Moment {
  /** That of now goes on with the log. Not to be changed. */
  readonly chronicle: Chronicle;
  /** Of the last commit that counts. */
  readonly position: number;
  /** How many chapters were over by then, and what has gone since. */
  readonly chapters: number;
  readonly gone: readonly Candidate[];
}

/** A stretch of the log that has dockerd's events of a time. `events`: what is known before it. `to` undefined: the newest, which goes on. */
export interface Stretch {
  readonly events: DockerEvents;
  readonly after: number;
  readonly to: number | undefined;
}

/**
 * The log cut into chapters, so that a question about the past reads one of them and not all of it. What there is at the end of each, whom its commits concern and
 * what has gone in it lies in files; what there is now, in memory. One `start`, then `stop`.
 */
export class LogChronicle {
  private chronicle = new Chronicle();
  private heads: readonly ChapterHead[] = [];
  private open = new OpenChapter(1);
  private readonly fold: Fold;
  /** Of those who need to look into every chapter. */
  private readonly turns = new Turns();
  /** Of those who are given the past: of a piece each, since a reader that is slow would hold a turn for all of it as long as it likes. */
  private readonly pieces = new Turns(PIECES_AT_ONCE);

  /** `onError`: a chapter could not be written, and goes on. `size`: commits of a chapter at the least. */
  constructor(
    private readonly store: ChronicledLog,
    private readonly files: ChapterFiles,
    snapshotPath: string,
    private readonly onError: (error: unknown) => void,
    private readonly size = CHAPTER,
  ) {
    // Only at a graceful stop: without it the open chapter is read again.
    const snapshot = { path: snapshotPath, fold: '7', freeze: () => ({ state: this.chronicle.freeze(), open: this.open.freeze() }), thaw: (frozen: unknown) => this.thaw(frozen as Frozen) }; // what `freeze` gave
    this.fold = new Fold(store, { filters: ALL, see: (commit) => this.see(commit), snapshot });
  }

  /** Resolves once it knows all that the log held at the call. */
  async start(): Promise<void> {
    this.heads = await this.files.load(async ({ last, hash }) => (await this.store.commitAt(last))?.hash === hash);
    const before = this.heads.at(-1);
    this.open = new OpenChapter((before?.last ?? 0) + 1);
    this.chronicle = await this.at(this.heads.length);
    await this.fold.start(before?.last);
  }

  async stop(): Promise<void> {
    await this.fold.saveSnapshot().catch(this.onError);
    await this.fold.stop();
  }

  /** Resolves to the log's last position at the call, once all up to it is known. */
  async caughtUp(): Promise<number> {
    const last = await this.store.lastPosition();
    await this.fold.waitFor(last);
    return last;
  }

  now(): Moment {
    return { chronicle: this.chronicle, position: this.fold.position, chapters: this.heads.length, gone: this.open.gone() };
  }

  /** For dockerd's events from now on. */
  newest(): Stretch {
    return { events: this.chronicle.docker.copy(), after: this.fold.position, to: undefined };
  }

  /**
   * What was in the log at `time` (milliseconds since 1970), that millisecond included. The log's order is its positions': a clock that was set makes later commits
   * look older, and a state without what came before them never was.
   */
  async until(time: number): Promise<Moment> {
    if (time >= this.chronicle.latest) return this.now();
    const { heads } = this;
    const position = await this.positionAt(time);
    const chapters = heads.findLastIndex(({ last }) => last <= position) + 1;
    const after = heads[chapters - 1]?.last ?? 0;
    const chronicle = await this.at(chapters);
    const gone: Candidate[] = [];
    if (position > after) await this.store.replay(ALL, after, (commit) => gone.push(...chronicle.see(commit).gone), position);
    return { chronicle, position, chapters, gone };
  }

  /** All that `wanted` may mean at that moment. Rejects once who asked has `gone`. */
  async candidates(moment: Moment, wanted: string, gone: AbortSignal): Promise<readonly Candidate[]> {
    const present = [...moment.chronicle.candidates()];
    if (isSettled(present, wanted)) return present;
    const bare = bareName(wanted);
    const written = JSON.stringify(bare).slice(1, -1);
    const found = [...present, ...moment.gone.filter((candidate) => mayBeMeant(candidate, bare))];
    await this.inChapters(this.heads.slice(0, moment.chapters), lookedUpBy(bare)?.map(keyHash), gone, async (number) => {
      const index = await this.files.index(number);
      if (!index.gone.includes(written)) return;
      const lines = index.gone.split('\n').filter((line) => line.includes(written));
      found.push(...lines.map((line) => JSON.parse(line) as Candidate).filter((candidate) => mayBeMeant(candidate, bare))); // what `OpenChapter` wrote
    });
    return found;
  }

  /** All commits that may concern whoever has this key, in order, a chapter's at once: some concern another one. Rejects once who asked has `gone`. */
  async *concerning(key: string, gone: AbortSignal): AsyncIterable<readonly Commit[]> {
    const hash = keyHash(key);
    const heads = this.heads;
    const stretches: Positions[] = [];
    const open = this.open.positionsOf(hash);
    const last = this.fold.position;
    await this.inChapters(heads, [hash], gone, async (number) => {
      const { hashes, offsets } = (await this.files.index(number)).concerns;
      const { first, last: to } = heads[number]!;
      const positions: number[] = [];
      for (let at = hashes.indexOf(hash); at >= 0; at = hashes.indexOf(hash, at + 1)) positions.push(first + (offsets[at] ?? 0));
      if (positions.length > 0) stretches.push({ positions, after: first - 1, to });
    });
    if (open.length > 0) stretches.push({ positions: open, after: heads.at(-1)?.last ?? 0, to: last });
    for (const stretch of stretches.toSorted((one, other) => one.after - other.after)) {
      gone.throwIfAborted();
      const commits = await this.commitsOf(stretch);
      yield commits.toSorted((one, other) => one.position - other.position);
    }
  }

  /** As `replayAtPace`, with no more pieces read at once than some, however many ask. Rejects where the reader has gone before its turn. */
  replay(filters: readonly string[], between: Between, onCommit: (commit: Commit) => void, reader: PacedReader): Promise<number> {
    const replay: ChronicledLog['replay'] = (...asked) => this.pieces.take(() => this.store.replay(...asked), reader.gone);
    return replayAtPace({ replay, lastPosition: () => this.store.lastPosition() }, filters, between, onCommit, reader);
  }

  /** Where dockerd's events of this time are, in order, the newest stretch last. Milliseconds since 1970. Rejects where who asked has `gone` before its turn. */
  async *stretches(since: number, until: number, gone: AbortSignal): AsyncIterable<Stretch> {
    const heads = this.heads;
    const before = async (number: number): Promise<DockerEvents> => (await this.pieces.take(() => this.at(number), gone)).docker;
    for (const [number, { first, last, leastAt, mostAt }] of heads.entries()) {
      if (leastAt === null || mostAt === null || mostAt < since || leastAt > until) continue;
      yield { events: await before(number), after: first - 1, to: last };
    }
    yield { events: await before(heads.length), after: heads.at(-1)?.last ?? 0, to: undefined };
  }

  /** Of the last commit that was there at `time`. Read are the chapters that it is in: one, unless the clock was set. */
  private async positionAt(time: number): Promise<number> {
    const open = this.open.times();
    const division = new Division(time);
    for (const { first, last, earliest, latest } of this.heads) {
      if (latest <= time || earliest > time) division.take(last, latest, last - first + 1);
      else await this.store.replay(ALL, first - 1, (commit) => division.take(commit.position, Date.parse(commit.time)), last);
    }
    for (const commit of open) division.take(commit.position, commit.time);
    return division.position;
  }

  private see(commit: Commit): void {
    this.open.add(commit, this.chronicle.see(commit));
    if (this.open.length % this.size === 0) this.close(commit);
  }

  /** On a disk that is full the chapter becomes longer. */
  private close(last: Commit): void {
    try {
      const chapter = this.open.close(last, this.chronicle);
      this.files.save(this.heads.length, chapter);
      this.heads = [...this.heads, chapter.head];
      this.open = new OpenChapter(last.position + 1);
    } catch (error) {
      this.onError(error);
    }
  }

  private thaw({ state, open }: Frozen): void | false {
    if (open.first !== (this.heads.at(-1)?.last ?? 0) + 1) return false;
    this.chronicle = Chronicle.from(state);
    this.open = new OpenChapter(open.first, open.entries);
  }

  /** What there was after so many chapters. */
  private async at(chapters: number): Promise<Chronicle> {
    return chapters === 0 ? new Chronicle() : Chronicle.from(await this.files.state(chapters - 1));
  }

  /** Looks into those that may have one of the hashes, by their numbers; `undefined`: into all, of a long log thousands of files. */
  private inChapters(heads: readonly ChapterHead[], hashes: readonly number[] | undefined, gone: AbortSignal, look: (number: number) => Promise<void>): Promise<void> {
    const numbers = [...heads.keys()].filter((number) => hashes === undefined || hashes.some((hash) => mayHave(heads[number]!.keys, hash)));
    const lookUnlessGone = (index: number): Promise<void> => {
      gone.throwIfAborted();
      return look(numbers[index] ?? 0);
    };
    return this.turns.take(() => inBatches(numbers.length, lookUnlessGone), gone);
  }

  private async commitsOf({ positions, after, to }: Positions): Promise<readonly Commit[]> {
    const found: Commit[] = [];
    if (positions.length > MOST_SINGLE) {
      const wanted = new Set(positions);
      await this.store.replay(ALL, after, (commit) => wanted.has(commit.position) && found.push(commit), to);
    } else {
      await inBatches(positions.length, async (index) => {
        const commit = await this.store.commitAt(positions[index] ?? 0);
        if (commit) found.push(commit);
      });
    }
    return found;
  }
}

interface Frozen {
  readonly state: FrozenChronicle;
  readonly open: ReturnType<OpenChapter['freeze']>;
}

interface Positions {
  readonly positions: readonly number[];
  readonly after: number;
  readonly to: number;
}

/** Numbers from 0 below `count`, some at once. */
async function inBatches(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
}
