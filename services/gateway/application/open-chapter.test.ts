import { expect, test } from 'vitest';
import type { Commit } from '#libs/event-store/event.js';
import { Chronicle } from '../domain/log/chronicle.js';
import { OpenChapter } from './open-chapter.js';

test('a chapter knows from when to when it is also where one of its commits tells no time', () => {
  const chapter = new OpenChapter(1);
  const times = ['2026-01-01T00:00:01.000Z', '', '2026-01-01T00:00:02.000Z'];
  const commits = times.map((time, index) => ({ subject: 'berth.event.network.bridge', position: index + 1, time, events: [], hash: '' }) as unknown as Commit);
  for (const commit of commits) chapter.add(commit, { docker: [], gone: [] });
  const [first = 0, , last = 0] = times.map((time) => Date.parse(time));
  expect(chapter.times().map(({ time }) => time)).toEqual([first, first, last]);
  expect(chapter.close(commits[2]!, new Chronicle()).head).toMatchObject({ earliest: first, latest: last });
});
