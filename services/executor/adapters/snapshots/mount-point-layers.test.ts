import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT_FDCWD, mknodat } from '#libs/linux/directory-entries.js';
import { lsetxattr } from '#libs/linux/extended-attributes.js';
import { MountPointLayers } from './mount-point-layers.js';

let layers: string;
beforeEach(() => {
  layers = mkdtempSync('/var/tmp/berth-mount-points-');
  for (const path of ['top', 'bottom/etc', 'bottom/proc']) mkdirSync(join(layers, path), { recursive: true });
});
afterEach(() => rmSync(layers, { recursive: true }));

const over = (): string | undefined => new MountPointLayers(layers).over(['top', 'bottom']);
const made = (): readonly string[] => {
  const name = over();
  return name === undefined ? [] : readdirSync(join(layers, name), { recursive: true, encoding: 'utf8' }).toSorted();
};
const files = ['etc', 'etc/hostname', 'etc/hosts', 'etc/mtab', 'etc/resolv.conf'];

test('what the image has not got is made once, in an /etc like its own', () => {
  chmodSync(join(layers, 'bottom/etc'), 0o711);
  expect(made()).toEqual(['.dockerenv', 'dev', ...files, 'sys']);
  expect(readlinkSync(join(layers, '.mounts/top/etc/mtab'))).toBe('/proc/mounts');
  expect(over()).toBe('.mounts/top');
  expect(lstatSync(join(layers, '.mounts/top/etc')).mode & 0o7777).toBe(0o711);
  expect(readdirSync(join(layers, '.mounts'))).toEqual(['top']);
});

test('what one of its layers has is not hidden', () => {
  mkdirSync(join(layers, 'top/sys'));
  writeFileSync(join(layers, 'bottom/etc/hosts'), 'its own');
  symlinkSync('../run/mounts', join(layers, 'bottom/etc/mtab'));
  expect(made()).toEqual(['.dockerenv', 'dev', 'etc', 'etc/hostname', 'etc/resolv.conf']);
});

test('an image that has all of it needs no layer', () => {
  for (const name of ['dev', 'sys']) mkdirSync(join(layers, 'bottom', name));
  for (const name of ['.dockerenv', 'etc/hostname', 'etc/hosts', 'etc/mtab', 'etc/resolv.conf']) writeFileSync(join(layers, 'bottom', name), '');
  expect(over()).toBeUndefined();
});

test.each<[what: string, make: () => void]>([
  ['a symlink', () => symlinkSync('/usr/etc', join(layers, 'top/etc'))],
  ['taken away', () => mknodat(AT_FDCWD, join(layers, 'top/etc'), 0o020000, 0, 0)],
  ['opaque', () => (mkdirSync(join(layers, 'top/etc')), lsetxattr(join(layers, 'top/etc'), 'trusted.overlay.opaque', Buffer.from('y')))],
  ['a file', () => writeFileSync(join(layers, 'top/etc'), '')],
])('where /etc is %s in a layer, nothing is put over it', (_what, make) => {
  make();
  expect(made()).toEqual(['.dockerenv', 'dev', 'sys']);
});
