import type { Commit } from '#libs/event-store/event.js';
import { Fold, type FoldedLog } from '#libs/event-store/fold.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import type { DockerEvent } from '../domain/docker-event.js';
import { DockerEvents, type FrozenDockerEvents, type LoggedEvent } from '../domain/docker-events.js';

/** All that dockerd has events of. */
export const EVENT_SUBJECTS = ['berth.event.container.>', 'berth.event.exec.>', 'berth.event.task.>', 'berth.event.image.>', 'berth.event.volume.>', 'berth.event.network.>', 'berth.event.pool.>'];

export interface EventWindow {
  /** RFC 3339; '' means from now on. */
  readonly since: string;
  /** RFC 3339; '' means for ever. */
  readonly until: string;
}

/**
 * dockerd's events, out of the log. To name what happens, one must know what was created before: one fold knows it of now, and who asks from now on
 * starts with a copy of it. Who asks for the past reads the log from its beginning.
 */
export class EventFeed {
  /** How many subscribe now. */
  subscribers = 0;
  private now = new DockerEvents();
  private readonly fold: Fold;
  private readonly snapshots: SnapshotSchedule;

  constructor(
    private readonly store: FoldedLog,
    snapshotPath: string,
    onError: (error: unknown) => void,
  ) {
    const thaw = (frozen: unknown): void => {
      this.now = DockerEvents.from(frozen as FrozenDockerEvents); // what `freeze` gave
    };
    this.fold = new Fold(store, { filters: EVENT_SUBJECTS, see: (commit) => void translate(this.now, commit), snapshot: { path: snapshotPath, fold: '1', freeze: () => this.now.freeze(), thaw } });
    this.snapshots = new SnapshotSchedule([this.fold], onError);
  }

  async start(): Promise<void> {
    await this.fold.start();
    this.snapshots.start();
  }

  async stop(): Promise<void> {
    await this.snapshots.stop();
    await this.fold.stop();
  }

  /** Calls `onEvent` for each event of the window. Resolves when `until` is reached, at `abort`, and when the log can be followed no longer. */
  async subscribe(window: EventWindow, onEvent: (event: DockerEvent) => void, abort: AbortSignal): Promise<void> {
    const from = await this.store.lastPosition();
    const since = Date.parse(window.since);
    const until = window.until === '' ? Number.POSITIVE_INFINITY : Date.parse(window.until);
    const fromNowOn = Number.isNaN(since);
    const after = fromNowOn ? this.fold.position : 0;
    const events = fromNowOn ? DockerEvents.from(this.now.freeze()) : new DockerEvents();
    const take = (commit: Commit): void => {
      for (const translated of translate(events, commit)) {
        const at = Date.parse(translated.at);
        const begun = fromNowOn ? commit.position > from : at >= since;
        if (begun && at <= until && !abort.aborted) onEvent(translated);
      }
    };
    const following = await this.store.follow(EVENT_SUBJECTS, after, take);
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
