import { invalid } from '#libs/errors/errors.js';
import { type Annotation, annotationOf } from '../domain/annotation.js';
import type { DockerEvent } from '../domain/docker/event.js';
import type { EventFeed } from './event-feed.js';
import { Turns } from './turns.js';

/** More than this is a wall of lines: the newest are shown. */
const MOST = 1000;

/** Annotations of a time: containers' events as Grafana draws them. Who asks may be anybody on the machine, and may ask for all of the past: it is read for one after the other. */
export class Annotations {
  private readonly turns = new Turns();

  constructor(private readonly feed: Pick<EventFeed, 'subscribe'>) {}

  /** Oldest first. `from` and `to`: milliseconds since 1970, as Grafana gives them. Rejects as invalid for what is no number, and once who asked has `gone`. */
  async of(query: URLSearchParams, gone: AbortSignal): Promise<readonly Annotation[]> {
    const from = milliseconds(query, 'from', 0);
    // What has not happened yet is not waited for.
    const to = Math.min(milliseconds(query, 'to', Date.now()), Date.now());
    const found: Annotation[] = [];
    const take = (event: DockerEvent): void => {
      const annotation = annotationOf(event);
      if (annotation === undefined) return;
      found.push(annotation);
      if (found.length > MOST) found.shift();
    };
    const window = { since: new Date(from).toISOString(), until: new Date(to).toISOString() };
    await this.turns.take(() => this.feed.subscribe(window, { take, ready: () => Promise.resolve(), gone }), gone);
    return found;
  }
}

function milliseconds(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  const number = Number(text);
  if (!Number.isFinite(number) || Math.abs(number) > 8.64e15) throw invalid(`${name}=${text}: not a time in milliseconds since 1970`);
  return number;
}
