import { expect, test } from 'vitest';
import type { ListedContainer } from '#contracts/containers/container-state.js';
import { containerSummary } from './container.js';
import { summariesJson } from './summary-json.js';

const view = (id: string, changes: Partial<ListedContainer> = {}): ListedContainer => ({
  id, name: `name "${id}"`, createdAt: '2026-01-01T00:00:00.000Z', imageId: `sha256:${id}`, imageRef: 'busybox', path: 'sh', args: ['-c', 'echo "a b"'], mounts: [],
  status: 'running', startNumber: 1, pid: 7, exitCode: 0, oomKilled: false, error: '', startedAt: '2026-01-01T00:00:01.000Z', finishedAt: '', restartCount: 0,
  config: { Image: 'busybox', Labels: { a: '"' } }, hostConfig: { NetworkMode: 'none' }, ...changes,
});
const NOW = Date.parse('2026-01-01T00:00:31.000Z');

test.each([['none', []], ['one', [view('a')]], ['several', [view('a'), view('b', { status: 'exited', finishedAt: '2026-01-01T00:00:05.000Z', exitCode: 3 }), view('c', { status: 'created', startedAt: '' })]]])(
  'a list of %s is that of their summaries', (_name, views) => {
    for (const now of [NOW, NOW + 60_000]) for (const version of ['1.51', '1.40', '1.51']) expect(JSON.parse(summariesJson(views, now, version))).toEqual(views.map((one) => containerSummary(one, now, version)));
  },
);

test('fields come in the order of a summary', () => {
  const one = view('a');
  expect(summariesJson([one], NOW, '1.51')).toBe(JSON.stringify([containerSummary(one, NOW, '1.51')]));
});
