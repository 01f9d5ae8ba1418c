import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { mount, umount2 } from '#libs/linux/mounts.js';
import { TreeThreads } from '../trees/tree-threads.js';
import { overlayOptions } from './overlay-options.js';
import { OverlaySnapshotter } from './overlay-snapshotter.js';
import { describeSnapshotter } from './testing/snapshotter-suite.js';
import { VfsSnapshotter } from './vfs-snapshotter.js';

const threads = new TreeThreads();
afterAll(() => threads.close());

describeSnapshotter('overlay', (layers) => new OverlaySnapshotter(layers));
describeSnapshotter('vfs', (layers) => new VfsSnapshotter(layers, threads));

test('what an overlay has in its upper directory is whole, as far as the kernel can be told', async () => {
  const top = mkdtempSync('/var/tmp/berth-snapshots-');
  try {
    expect(await new OverlaySnapshotter(top).prepare({ directory: join(top, 'one'), layers: [] })).toMatchObject({ overlay: { options: 'redirect_dir=off,metacopy=off,index=off' } });
    mkdirSync(join(top, 'index'));
    expect(overlayOptions(top)).toBe('index=off');
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('whether there is an overlay is asked by trying, and leaves nothing', async () => {
  const top = mkdtempSync('/var/tmp/berth-snapshots-');
  const [lower, upper, work, target] = ['lower', 'upper', 'work', 'target'].map((name) => join(top, name)) as [string, string, string, string];
  for (const path of [lower, upper, work, target]) mkdirSync(path);
  expect(await threads.run('probeOverlay', { directory: lower })).toBe(true);
  // An overlay is no place for another one's upper directory.
  mount('overlay', target, 'overlay', 0, `lowerdir=${lower},upperdir=${upper},workdir=${work}`);
  const later = new TreeThreads(); // a thread sees what was mounted when it began
  try {
    expect(await later.run('probeOverlay', { directory: target })).toBe(false);
    expect([readdirSync(lower), readdirSync(target)]).toEqual([[], []]);
  } finally {
    await later.close();
    umount2(target, 0);
    rmSync(top, { recursive: true });
  }
});
