import { expect, test } from 'vitest';
import type { ListedContainer } from '#contracts/containers/container-state.js';
import { containerSummary } from './container.js';
import { withShownImage } from './shown-image.js';

const view = (Image: string): ListedContainer => ({
  id: 'a', name: 'web', createdAt: '2026-01-01T00:00:00.000Z', imageId: 'sha256:11', imageRef: Image, path: 'sh', args: [], mounts: [],
  status: 'created', startNumber: 0, pid: 0, exitCode: 0, oomKilled: false, error: '', startedAt: '', finishedAt: '', restartCount: 0, config: { Image }, hostConfig: {},
});

test.each([
  ['that still means it', 'app:1', 'sha256:11', 'app:1'],
  ['that means another by now', 'app:1', 'sha256:22', 'sha256:11'],
  ['that means none by now', 'app:1', null, 'sha256:11'],
  ['that nobody could tell of', 'app:1', undefined, 'app:1'],
  ['that is the id', 'sha256:11', null, 'sha256:11'],
])('of an image by a name %s', (_name, asked, means, shown) => {
  const one = view(asked);
  const meant = new Map(means === undefined ? [] : [[asked, means]]);
  expect(containerSummary(withShownImage(one, meant), 0, '1.51')).toEqual({ ...containerSummary(one, 0, '1.51'), Image: shown });
  expect(withShownImage(one, meant)).toBe(withShownImage(one, meant));
});
