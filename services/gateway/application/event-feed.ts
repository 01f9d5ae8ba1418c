import { kindFilter } from '#libs/event-store/aggregate-subject.js';
import type { Commit } from '#libs/event-store/event.js';
import type { DockerEvent } from '../domain/docker/event.js';
import { type DockerEvents, LOGGED_KINDS, type LoggedEvent } from '../domain/docker/events.js';
import { unixNanos } from '../domain/docker/time.js';
import type { ChronicledLog, LogChronicle } from './log-chronicle.js';
import type { PacedReader } from './replay-at-pace.js';

/** All that dockerd has events of. */
export const EVENT_SUBJECTS = LOGGED_KINDS.map(kindFilter);

export interface EventWindow {
  /** RFC 3339; '': from now on, or with `until` from the beginning. Of what is past: whatever happens meanwhile is in the window. */
  readonly since: string;
  /** RFC 3339; '': for ever. */
  readonly until: string;
}

/** Of what is past it is given no more than it is ready for; what happens does not wait. */
export interface EventReader extends PacedReader {
  take(event: DockerEvent, isPast: boolean): void;
}

/** dockerd's events, out of the log. To name what happens, one must know what was created before: the chronicle knows it of now, and of some moments of the past. */
export class EventFeed {
  /** How many subscribe now. */
  subscribers = 0;

  constructor(
    private readonly store: ChronicledLog,
    private readonly chronicle: LogChronicle,
  ) {}

  /** Gives each event of the window. Resolves when `until` is reached, when the reader has gone, and when the log can be followed no longer. */
  async subscribe(window: EventWindow, reader: EventReader): Promise<void> {
    const { gone } = reader;
    const from = await this.store.lastPosition();
    const since = window.since === '' ? Number.NEGATIVE_INFINITY : Date.parse(window.since);
    const until = window.until === '' ? Number.POSITIVE_INFINITY : Date.parse(window.until);
    const fromNowOn = window.since === '' && window.until === '';
    // A client that goes on from the nanosecond behind its last event is not told that one again.
    const [first, last] = [window.since, window.until].map((time) => (time === '' ? undefined : unixNanos(time)));
    const take = (events: DockerEvents) => (commit: Commit): void => {
      for (const translated of translate(events, commit)) {
        const at = unixNanos(translated.at);
        const isPast = commit.position <= from;
        const begun = !isPast || (!fromNowOn && (first === undefined || at >= first));
        if (begun && (last === undefined || at <= last) && !gone.aborted) reader.take(translated, isPast);
      }
    };
    if (fromNowOn) {
      const { events, after } = this.chronicle.newest();
      return this.follow(after, take(events), until, gone);
    }
    await this.chronicle.caughtUp();
    try {
      for await (const stretch of this.chronicle.stretches(since, until, gone)) {
        const onCommit = take(stretch.events);
        const after = await this.chronicle.replay(EVENT_SUBJECTS, stretch, onCommit, reader);
        if (gone.aborted) return;
        if (stretch.to === undefined) await this.follow(after, onCommit, until, gone);
      }
    } catch (error) {
      if (!gone.aborted) throw error;
    }
  }

  private async follow(after: number, onCommit: (commit: Commit) => void, until: number, abort: AbortSignal): Promise<void> {
    const following = await this.store.follow(EVENT_SUBJECTS, after, onCommit);
    this.subscribers++;
    try {
      await Promise.race([reached(until - Date.now(), abort), following.ended]);
    } finally {
      this.subscribers--;
      await following.stop();
    }
  }
}

/** Subjects have one writer each, which validated what it wrote. */
const translate = (events: DockerEvents, commit: Commit): readonly DockerEvent[] => events.translate(commit.events as readonly unknown[] as readonly LoggedEvent[]);

function reached(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (abort.aborted || ms <= 0) return resolve();
    // A timer holds 24 days at most; a longer wait is as good as for ever.
    const timer = ms < 2 ** 31 ? setTimeout(resolve, ms) : undefined;
    abort.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
