import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Annotations } from './annotations.js';
import type { EventReader, EventWindow } from './event-feed.js';

/** A log that is read for as long as a test says. */
class SlowFeed {
  readonly reading: { readonly window: EventWindow; readonly reader: EventReader; readonly end: () => void }[] = [];

  subscribe(window: EventWindow, reader: EventReader): Promise<void> {
    return new Promise((resolve) => {
      this.reading.push({ window, reader, end: resolve });
      reader.gone.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

const there = new AbortController().signal;
const all = new URLSearchParams();

test('however many ask for the past, it is read for one of them at a time', async () => {
  const feed = new SlowFeed();
  const annotations = new Annotations(feed);
  const asked = [annotations.of(all, there), annotations.of(new URLSearchParams({ from: '1000' }), there)];
  await turn();
  expect(feed.reading).toHaveLength(1);
  const at = '2026-01-02T03:04:05.678Z';
  feed.reading[0]?.reader.take({ type: 'container', action: 'oom', id: 'a', attributes: { name: 'web' }, at }, true);
  feed.reading[0]?.end();
  expect(await asked[0]).toHaveLength(1);
  await turn();
  expect(feed.reading.map(({ window }) => window.since)).toEqual(['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:01.000Z']);
  feed.reading[1]?.end();
  expect(await asked[1]).toEqual([]);
});

test('for who has left nothing is read any more, whether it was begun or not', async () => {
  const feed = new SlowFeed();
  const annotations = new Annotations(feed);
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = [annotations.of(all, first.signal), annotations.of(all, second.signal)];
  second.abort();
  await expect(asked[1]).rejects.toThrow();
  first.abort();
  await asked[0];
  expect(feed.reading).toHaveLength(1);
  const third = annotations.of(all, there);
  await turn();
  feed.reading[1]?.end();
  expect(await third).toEqual([]);
});
