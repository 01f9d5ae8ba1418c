import type { Commit } from '#libs/event-store/event.js';
import type { Chapter, ChapterHead } from '../adapters/chapters/chapter-files.js';
import type { Chronicle, Chronicled } from '../domain/log/chronicle.js';
import { concernedBy, keyHash } from '../domain/log/concerns.js';
import { type Candidate, foundBy } from '../domain/log/find-subject.js';
import { filterOf } from '../domain/log/key-filter.js';

/** What one commit adds to its chapter. As JSON in a snapshot. */
interface Entry {
  readonly position: number;
  /** When it was written, milliseconds since 1970; of what does not tell, as the one before it. */
  readonly time: number;
  /** Of the keys of those whom it concerns. */
  readonly hashes: readonly number[];
  readonly gone: readonly Candidate[];
  /** When dockerd's events of it happened, milliseconds since 1970. */
  readonly at: readonly number[];
}

/** The chapter that is being written: its commits so far, in memory. */
export class OpenChapter {
  private readonly entries: Entry[];

  /** `first`: position of its first commit. */
  constructor(
    private readonly first: number,
    entries: readonly Entry[] = [],
  ) {
    this.entries = [...entries];
  }

  get length(): number {
    return this.entries.length;
  }

  freeze(): { readonly first: number; readonly entries: readonly Entry[] } {
    return { first: this.first, entries: this.entries };
  }

  add(commit: Commit, { docker, gone }: Chronicled): void {
    const time = Date.parse(commit.time);
    this.entries.push({ position: commit.position, time: Number.isNaN(time) ? (this.entries.at(-1)?.time ?? 0) : time, hashes: Array.from(concernedBy(commit), keyHash), gone, at: docker.map(({ at }) => Date.parse(at)) });
  }

  /** Of each commit so far. */
  times(): readonly Pick<Entry, 'position' | 'time'>[] {
    return this.entries.slice();
  }

  gone(): readonly Candidate[] {
    return this.entries.flatMap((entry) => entry.gone);
  }

  /** Positions of the commits that concern whoever has a key of this hash. */
  positionsOf(hash: number): number[] {
    return this.entries.filter(({ hashes }) => hashes.includes(hash)).map(({ position }) => position);
  }

  /** All of it, ended by `last`, after which there is what `chronicle` has. */
  close(last: Commit, chronicle: Chronicle): Chapter {
    const concerns = this.entries.flatMap(({ position, hashes }) => hashes.map((hash) => [hash, position - this.first] as const));
    const gone = this.gone();
    const times = this.entries.flatMap(({ at }) => at);
    const head: ChapterHead = {
      keys: filterOf(new Set([...concerns.map(([hash]) => hash), ...gone.flatMap(foundBy).map(keyHash)])),
      first: this.first,
      last: last.position,
      hash: last.hash,
      earliest: this.entries.reduce((earliest, { time }) => Math.min(earliest, time), Number.POSITIVE_INFINITY),
      latest: this.entries.reduce((latest, { time }) => Math.max(latest, time), Number.NEGATIVE_INFINITY),
      leastAt: times.length === 0 ? null : times.reduce((least, at) => Math.min(least, at)),
      mostAt: times.length === 0 ? null : times.reduce((most, at) => Math.max(most, at)),
    };
    return {
      head,
      concerns: { hashes: Uint32Array.from(concerns, ([hash]) => hash), offsets: Uint32Array.from(concerns, ([, offset]) => offset) },
      gone: gone.map((candidate) => `${JSON.stringify(candidate)}\n`).join(''),
      state: chronicle.freeze(),
    };
  }
}
