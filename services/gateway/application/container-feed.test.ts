import { expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { ContainerFeed } from './container-feed.js';

const at = '2026-01-01T00:00:00.000000000Z';
const exited = (start: number, exitCode: number): ContainerEvent => ({ type: 'ContainerExited', container: 'c1', start, exitCode, signal: 0, oomKilled: false, reason: 'error', at });
const removed: ContainerEvent = { type: 'ContainerRemoved', container: 'c1', at };
const { signal } = new AbortController();

const feedThatSaw = (...events: ContainerEvent[]): ContainerFeed => {
  const feed = new ContainerFeed({ follow: () => Promise.reject(new Error('not followed')), lastPosition: () => Promise.resolve(0) });
  for (const event of events) feed.see(event);
  return feed;
};

test('a removal is told with the exit code of the last run, though this gateway did not see its end', async () => {
  const feed = feedThatSaw();
  const before = feed.whenEnded('c1', 2, 'removed', 7, signal);
  feed.see(removed);
  expect(await before).toEqual({ removed: true, exitCode: 7, error: '' });
});

test('what is seen of a run counts more than what was asked before', async () => {
  const feed = feedThatSaw(exited(1, 3));
  const waits = [feed.whenEnded('c1', 1, 'removed', 0, signal), feed.whenEnded('c1', 2, 'next-exit', 0, signal)];
  feed.see(exited(2, 4));
  expect(await waits[1]).toEqual({ removed: false, exitCode: 4, error: '' });
  const late = feed.whenEnded('c1', 3, 'removed', 3, signal);
  feed.see(removed);
  expect(await Promise.all([waits[0], late])).toEqual([{ removed: true, exitCode: 4, error: '' }, { removed: true, exitCode: 4, error: '' }]);
});

test('new names of a container are told to who watches for them, until it watches no more', () => {
  const feed = feedThatSaw();
  const named: string[] = [];
  const renamed = (container: string, name: string): ContainerEvent => ({ type: 'ContainerRenamed', container, name, oldName: '', at });
  const end = feed.whenRenamed('c1', (name) => named.push(name));
  feed.see(renamed('c1', 'site'));
  feed.see(renamed('c2', 'other'));
  end();
  feed.see(renamed('c1', 'web'));
  expect(named).toEqual(['site']);
});
