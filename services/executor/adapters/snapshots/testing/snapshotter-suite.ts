import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AT_FDCWD, mknodat } from '#libs/linux/directory-entries.js';
import { lsetxattr } from '#libs/linux/extended-attributes.js';
import { mount, umount2 } from '#libs/linux/mounts.js';
import type { RootSource, Snapshotter } from '../snapshotter.js';

/** What every way to make a root of layers has to do. `make` is given the directory of the layers. */
export function describeSnapshotter(name: string, make: (layersDirectory: string) => Snapshotter): void {
  describe(`roots made with ${name}`, () => {
    let top: string;
    let snapshots: Snapshotter;
    const layer = (path: string): string => join(top, 'layers', path);
    const prepare = (container: string): Promise<RootSource> => snapshots.prepare({ directory: join(top, container), layers: ['upper', 'lower'] });

    beforeEach(() => {
      top = mkdtempSync('/var/tmp/berth-snapshots-'); // on the disk: overlay does not stack on every tmpfs
      for (const path of ['layers/lower/etc/old', 'layers/lower/opaque/old', 'layers/upper/etc', 'layers/upper/opaque', 'one', 'two']) mkdirSync(join(top, path), { recursive: true });
      writeFileSync(layer('lower/etc/both'), 'lower');
      writeFileSync(layer('lower/etc/hidden'), 'lower');
      writeFileSync(layer('lower/opaque/hidden'), 'lower');
      writeFileSync(layer('lower/becomes'), 'a file');
      writeFileSync(layer('upper/etc/both'), 'upper', { mode: 0o600 });
      mkdirSync(layer('upper/becomes'));
      symlinkSync('/etc/both', layer('upper/link'));
      mknodat(AT_FDCWD, layer('upper/etc/hidden'), 0o020000, 0, 0);
      mknodat(AT_FDCWD, layer('upper/etc/old'), 0o020000, 0, 0);
      lsetxattr(layer('upper/opaque'), 'trusted.overlay.opaque', Buffer.from('y'));
      snapshots = make(join(top, 'layers'));
    });
    afterEach(() => rmSync(top, { recursive: true }));

    /** The root as its container has it, for as long as `work` takes. */
    function within(source: RootSource, work: (root: string) => void): void {
      if ('directory' in source) return work(source.directory);
      const { baseDirectory, lower, upper, work: scratch, options } = source.overlay;
      const target = mkdtempSync(join(top, 'mounted-'));
      mount('overlay', target, 'overlay', 0, `lowerdir=${lower.map((one) => join(baseDirectory, one)).join(':')},upperdir=${upper},workdir=${scratch},${options}`);
      try {
        work(target);
      } finally {
        umount2(target, 0);
      }
    }

    test('show upper layers over lower ones, and nothing that was taken away', async () => {
      within(await prepare('one'), (root) => {
        expect(readdirSync(join(root, 'etc'))).toContain('both');
        for (const gone of ['hidden', 'old']) expect(existsSync(join(root, 'etc', gone))).toBe(false);
        expect(readFileSync(join(root, 'etc/both'), 'utf8')).toBe('upper');
        expect(statSync(join(root, 'etc/both')).mode & 0o7777).toBe(0o600);
        expect(readdirSync(join(root, 'opaque'))).toEqual([]);
        expect(lstatSync(join(root, 'becomes')).isDirectory()).toBe(true);
        expect(readlinkSync(join(root, 'link'))).toBe('/etc/both');
      });
    });

    test('keep what was written for the next start, from other containers and layers', async () => {
      within(await prepare('one'), (root) => {
        writeFileSync(join(root, 'etc/both'), 'changed');
        writeFileSync(join(root, 'made'), '');
        rmSync(join(root, 'link'));
      });
      within(await prepare('one'), (root) => {
        expect(readFileSync(join(root, 'etc/both'), 'utf8')).toBe('changed');
        expect([existsSync(join(root, 'made')), existsSync(join(root, 'link'))]).toEqual([true, false]);
      });
      within(await prepare('two'), (root) => expect([readFileSync(join(root, 'etc/both'), 'utf8'), existsSync(join(root, 'made'))]).toEqual(['upper', false]));
      expect(readFileSync(layer('upper/etc/both'), 'utf8')).toBe('upper');
      expect(lstatSync(layer('upper/link')).isSymbolicLink()).toBe(true);
    });

    test('are made anew where a crash left half of one', async () => {
      mkdirSync(join(top, 'one/root.new/etc'), { recursive: true });
      writeFileSync(join(top, 'one/root.new/etc/half'), '');
      within(await prepare('one'), (root) => expect(readdirSync(join(root, 'etc'))).not.toContain('half'));
    });

    test('are not made of what another driver left', async () => {
      mkdirSync(join(top, 'one', snapshots.driver === 'vfs' ? 'diff' : 'root'));
      for (const _ of ['the first time', 'asked again']) await expect(prepare('one')).rejects.toMatchObject({ kind: 'conflict' });
    });

    test('lie in the container\'s own directory alone', async () => {
      await prepare('two'); // what is made once for an image is there
      const before = readdirSync(join(top, 'layers'), { recursive: true }).length;
      await prepare('one');
      expect(readdirSync(join(top, 'layers'), { recursive: true }).length).toBe(before);
      expect(readdirSync(top).sort()).toEqual(['layers', 'one', 'two']);
    });
  });
}
