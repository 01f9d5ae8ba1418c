import type { Commit } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { DockerEvent } from '../domain/docker-event.js';
import { DockerEvents, type LoggedEvent } from '../domain/docker-events.js';

/** All that dockerd has events of. */
export const EVENT_SUBJECTS = ['berth.event.container.>', 'berth.event.exec.>', 'berth.event.task.>', 'berth.event.image.>', 'berth.event.volume.>', 'berth.event.network.>', 'berth.event.pool.>'];

export interface EventWindow {
  /** RFC 3339; '' means from now on. */
  readonly since: string;
  /** RFC 3339; '' means for ever. */
  readonly until: string;
}

/** dockerd's events, out of the log. A subscription reads the log from its beginning, to know the names of what happens later. */
export class EventFeed {
  /** How many subscribe now. */
  subscribers = 0;

  constructor(private readonly store: Pick<EventStore, 'follow' | 'lastPosition'>) {}

  /** Calls `onEvent` for each event of the window. Resolves when `until` is reached, at `abort`, and when the log can be followed no longer. */
  async subscribe(window: EventWindow, onEvent: (event: DockerEvent) => void, abort: AbortSignal): Promise<void> {
    const from = await this.store.lastPosition();
    const since = Date.parse(window.since);
    const until = window.until === '' ? Number.POSITIVE_INFINITY : Date.parse(window.until);
    const events = new DockerEvents();
    const take = (commit: Commit): void => {
      // Subjects have one writer each, which validated what it wrote.
      for (const translated of events.translate(commit.events as readonly unknown[] as readonly LoggedEvent[])) {
        const at = Date.parse(translated.at);
        const begun = Number.isNaN(since) ? commit.position > from : at >= since;
        if (begun && at <= until && !abort.aborted) onEvent(translated);
      }
    };
    const following = await this.store.follow(EVENT_SUBJECTS, 0, take);
    this.subscribers++;
    try {
      await Promise.race([reached(until - Date.now(), abort), following.ended]);
    } finally {
      this.subscribers--;
      await following.stop();
    }
  }
}

function reached(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (abort.aborted || ms <= 0) return resolve();
    // A timer holds 24 days at most; a longer wait is as good as for ever.
    const timer = ms < 2 ** 31 ? setTimeout(resolve, ms) : undefined;
    abort.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
