import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lgetxattr } from '#libs/linux/extended-attributes.js';
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

test('an upper directory of a release that left the options to the kernel is mounted as it was: what is not whole in it can be read with no others', async () => {
  const top = mkdtempSync('/var/tmp/berth-snapshots-');
  const [layers, directory, target] = ['layers', 'one', 'target'].map((name) => join(top, name)) as [string, string, string];
  for (const path of ['layers/image', 'one/diff', 'one/work', 'target']) mkdirSync(join(top, path), { recursive: true });
  writeFileSync(join(layers, 'image/file'), 'contents');
  const within = ({ upper, work, options }: { upper: string; work: string; options: string }, look: () => void): void => {
    mount('overlay', target, 'overlay', 0, [`lowerdir=${layers}/image`, `upperdir=${upper}`, `workdir=${work}`, ...(options === '' ? [] : [options])].join(','));
    try {
      look();
    } finally {
      umount2(target, 0);
    }
  };
  try {
    // As with a kernel whose defaults these are.
    const before = { upper: join(directory, 'diff'), work: join(directory, 'work'), options: 'redirect_dir=on,metacopy=on' };
    within(before, () => chmodSync(join(target, 'file'), 0o600));
    expect(lgetxattr(join(directory, 'diff/file'), 'trusted.overlay.metacopy')).toBeDefined();
    for (const _ of ['once', 'and the next time']) {
      const root = await new OverlaySnapshotter(layers).prepare({ directory, layers: ['image'] });
      expect(root).toMatchObject({ overlay: { work: before.work, options: '' } });
      within(before, () => expect(readFileSync(join(target, 'file'), 'utf8')).toBe('contents'));
    }
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('a new upper directory is told from such a one at each start, whoever made it', async () => {
  const top = mkdtempSync('/var/tmp/berth-snapshots-');
  const snapshots = new OverlaySnapshotter(top);
  try {
    // Made ahead, or cut short by a crash.
    for (const { name, mode } of snapshots.own) mkdirSync(join(top, 'spare', name), { recursive: true, mode });
    mkdirSync(join(top, 'half', 'work-whole'), { recursive: true });
    for (const name of ['spare', 'half', 'none']) {
      for (const _ of ['first', 'second']) expect(await snapshots.prepare({ directory: join(top, name), layers: [] })).toMatchObject({ overlay: { options: overlayOptions() } });
      expect(readdirSync(join(top, name)).sort()).toEqual(['diff', 'work-whole']);
    }
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
