import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AT_FDCWD, mknodat } from '#libs/linux/directory-entries.js';
import { lgetxattr, lsetxattr } from '#libs/linux/extended-attributes.js';
import { TreeThreads } from '../trees/tree-threads.js';
import { VolumeDirectories } from './volume-directories.js';

describe.each(['overlay2', 'vfs'] as const)('a volume that is filled from its image, with %s', (driver) => {
  let threads: TreeThreads;
  let top: string;
  let volumes: VolumeDirectories;
  beforeEach(async () => {
    top = mkdtempSync(join(tmpdir(), 'fill-'));
    for (const path of ['layers/upper/data', 'layers/lower/data/sub', 'outside']) mkdirSync(join(top, path), { recursive: true });
    writeFileSync(join(top, 'outside/secret'), 'the host');
    // Of this test alone: a thread does not see what is mounted later.
    threads = new TreeThreads();
    volumes = new VolumeDirectories(top, threads, { remove: () => expect.unreachable() });
    await volumes.ensure('store');
  });
  afterEach(async () => {
    await threads.close();
    expect(readFileSync(join(top, 'outside/secret'), 'utf8')).toBe('the host');
    expect(readdirSync(join(top, 'volumes/store'))).toEqual(['_data']);
    rmSync(top, { recursive: true });
  });
  const inImage = (path: string): string => join(top, 'layers', path);
  const data = (path = ''): string => join(top, 'volumes/store/_data', path);
  const fill = (path = '/data', layers = ['upper', 'lower'], subpath?: string): Promise<void> => volumes.fill('store', { driver, directory: join(top, 'layers'), layers }, path, subpath);
  const fillPart = (subpath: string): Promise<void> => fill('/data', ['upper', 'lower'], subpath);

  test('has the layers\' merged files with owners, modes, times, links and attributes', async () => {
    writeFileSync(inImage('lower/data/sub/old'), 'lower');
    writeFileSync(inImage('lower/data/hidden'), 'gone');
    mknodat(AT_FDCWD, inImage('upper/data/hidden'), 0o020000, 0, 0); // a whiteout
    writeFileSync(inImage('upper/data/tool'), '#!', { mode: 0o755 });
    chownSync(inImage('upper/data/tool'), 5, 6);
    chmodSync(inImage('upper/data/tool'), 0o4755);
    lsetxattr(inImage('upper/data/tool'), 'user.berth', Buffer.from('x'));
    utimesSync(inImage('upper/data/tool'), 1_000, 1_600_000_000.5);
    linkSync(inImage('upper/data/tool'), inImage('upper/data/other-name'));
    symlinkSync('/outside/secret', inImage('upper/data/link'));
    chownSync(inImage('upper/data'), 70, 71);
    chmodSync(inImage('upper/data'), 0o1770);
    await fill();
    expect(readdirSync(data()).sort()).toEqual(['link', 'other-name', 'sub', 'tool']);
    expect(readFileSync(data('sub/old'), 'utf8')).toBe('lower');
    const tool = statSync(data('tool'));
    expect([tool.mode & 0o7777, tool.uid, tool.gid, tool.nlink, tool.mtimeMs]).toEqual([0o4755, 5, 6, 2, 1_600_000_000_500]);
    expect(lgetxattr(data('tool'), 'user.berth')?.toString()).toBe('x');
    expect(readlinkSync(data('link'))).toBe('/outside/secret');
    const root = statSync(data());
    expect([root.mode & 0o7777, root.uid, root.gid]).toEqual([0o1770, 70, 71]);
  });

  test('that holds something stays as it is', async () => {
    writeFileSync(inImage('upper/data/new'), '');
    writeFileSync(data('mine'), '');
    await fill();
    expect(readdirSync(data())).toEqual(['mine']);
  });

  test('a part is filled while it is empty, whatever is beside it, and a symlink in the volume leads to one', async () => {
    writeFileSync(inImage('upper/data/new'), '');
    chownSync(inImage('upper/data'), 70, 71);
    mkdirSync(data('a/b'), { recursive: true });
    symlinkSync('linked', data('link'));
    for (const name of ['linked', 'full']) mkdirSync(data(name));
    writeFileSync(data('full/mine'), '');
    for (const part of ['a/b', 'link', 'full']) await fillPart(part);
    expect(['a', 'a/b', 'linked', 'full'].map((path) => readdirSync(data(path)).sort())).toEqual([['b'], ['new', 'sub'], ['new', 'sub'], ['mine']]);
    expect([data(), data('a/b'), data('full')].map((path) => statSync(path).uid)).toEqual([0, 70, 0]);
  });

  test('a part that is a file is for a file of the image, or for a path that it has not, and a volume for no file: a start could mount neither on the other', async () => {
    writeFileSync(data('file'), 'kept');
    writeFileSync(inImage('upper/file'), '');
    mkdirSync(data('empty'));
    symlinkSync('/file', inImage('upper/alias'));
    for (const path of ['/file', '/nowhere']) await fill(path, ['upper', 'lower'], 'file');
    await expect(fillPart('file')).rejects.toMatchObject({ kind: 'unclassified', message: expect.stringContaining('open file: not a directory') as string });
    for (const path of ['/file', '/alias']) await expect(fill(path, ['upper', 'lower'], 'empty')).rejects.toMatchObject({ kind: 'unclassified', message: expect.stringContaining(`source ${path} is not directory`) as string });
    expect([readFileSync(data('file'), 'utf8'), readdirSync(data('empty'))]).toEqual(['kept', []]);
  });

  test('a part that is not there yet is left to the start, one that leads out of the volume is refused', async () => {
    writeFileSync(data('file'), 'kept');
    for (const part of ['file/deep', 'nowhere/deep']) await fillPart(part);
    symlinkSync(join(top, 'outside'), data('out'));
    symlinkSync('../../../outside', data('up'));
    for (const part of ['out', 'up', '../../../outside', join(top, 'outside')]) await expect(fillPart(part)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('path concatenation escapes the base directory') as string });
    expect([readdirSync(data()).sort(), readFileSync(data('file'), 'utf8')]).toEqual([['file', 'out', 'up'], 'kept']);
  });

  test('a copy for a part that a crash cut short comes into no other part', async () => {
    for (const name of ['one', 'other']) mkdirSync(data(name));
    writeFileSync(inImage('upper/data/new'), '');
    mkdirSync(join(top, 'volumes/store/filled'));
    writeFileSync(join(top, 'volumes/store/filled/all'), '');
    await fillPart('one');
    expect([readdirSync(data('one')).sort(), readdirSync(data()).sort()]).toEqual([['new', 'sub'], ['one', 'other']]);
    await fill();
    expect([readdirSync(data('one')).sort(), readdirSync(data('other')), readdirSync(data()).sort()]).toEqual([['new', 'sub'], [], ['all', 'one', 'other']]);
  });

  test('a path that leads out of the image or is not there fills nothing', async () => {
    symlinkSync(join(top, 'outside'), inImage('upper/out'));
    symlinkSync('../../../outside', inImage('upper/up'));
    for (const path of ['/out', '/up', '/nowhere', '/data/../../../outside']) await fill(path);
    expect(readdirSync(data())).toEqual([]);
  });

  test('a symlink in the image is followed within the image', async () => {
    writeFileSync(inImage('upper/data/found'), '');
    symlinkSync('/data', inImage('upper/alias'));
    await fill('/alias');
    expect(readdirSync(data())).toContain('found');
  });

  test('a copy that failed leaves nothing behind, and what a container wrote since stays', async () => {
    writeFileSync(inImage('upper/data/big'), Buffer.alloc(2 << 20));
    await onSmallDisk(join(top, 'volumes/store'), async (grow) => {
      mkdirSync(data());
      await expect(fill()).rejects.toThrow('ENOSPC');
      expect([readdirSync(data()), readdirSync(join(top, 'volumes/store'))]).toEqual([[], ['_data']]);
      grow();
      writeFileSync(data('precious'), 'written by a container');
      await fill();
      expect(readdirSync(data())).toEqual(['precious']);
      rmSync(data('precious'));
      await fill();
      expect(readdirSync(data()).sort()).toEqual(['big', 'sub']);
    });
  });

  test('half of a copy, left by a crash, goes, and what is in the volume stays', async () => {
    mkdirSync(join(top, 'volumes/store/filling/half/of'), { recursive: true });
    symlinkSync(join(top, 'outside'), join(top, 'volumes/store/filling/trap'));
    writeFileSync(data('mine'), 'since then');
    await fill();
    expect(readdirSync(data())).toEqual(['mine']);
  });

  test('half of a copy that a release left in the data itself, with a file beside it, is made again', async () => {
    writeFileSync(inImage('upper/data/cut'), 'whole');
    mkdirSync(data('sub/of'), { recursive: true });
    writeFileSync(data('cut'), 'wh');
    symlinkSync(join(top, 'outside'), data('trap'));
    writeFileSync(join(top, 'volumes/store/filling'), '');
    await fill();
    expect([readdirSync(data()).sort(), readdirSync(data('sub')), readFileSync(data('cut'), 'utf8')]).toEqual([['cut', 'sub'], [], 'whole']);
    rmSync(data('cut'));
    await fill();
    expect(readdirSync(data())).toEqual(['sub']);
  });

  test('a whole copy that a crash kept from being moved in comes in beside what is there; an image of one layer will do', async () => {
    writeFileSync(inImage('upper/data/later'), '');
    mkdirSync(join(top, 'volumes/store/filled/sub'), { recursive: true });
    for (const name of ['sub/whole', 'taken']) writeFileSync(join(top, 'volumes/store/filled', name), 'copied');
    chownSync(join(top, 'volumes/store/filled'), 70, 71);
    writeFileSync(data('taken'), 'mine');
    await fill('/data', ['upper']);
    expect(readdirSync(data()).sort()).toEqual(['sub', 'taken']);
    expect([readFileSync(data('sub/whole'), 'utf8'), readFileSync(data('taken'), 'utf8'), statSync(data()).uid]).toEqual(['copied', 'mine', 70]);
  });

  test('a volume whose data is another mount is filled', async () => {
    writeFileSync(inImage('upper/data/file'), 'x');
    linkSync(inImage('upper/data/file'), inImage('upper/data/same'));
    chownSync(inImage('upper/data'), 70, 71);
    await onSmallDisk(data(), async () => {
      await fill();
      expect(readdirSync(data()).sort()).toEqual(['file', 'same', 'sub']);
      expect([statSync(data('file')).nlink, statSync(data()).uid]).toEqual([2, 70]);
    });
  });

  test('the image may have more layers than one page of mount options has room for', async () => {
    const layers = Array.from({ length: 80 }, (_, number) => `layer-${number}-${'x'.repeat(50)}`);
    for (const name of layers) {
      mkdirSync(inImage(`${name}/data`), { recursive: true });
      writeFileSync(inImage(`${name}/data/${name}`), '');
      writeFileSync(inImage(`${name}/data/top`), name);
    }
    await fill('/data', layers);
    expect(readdirSync(data())).toHaveLength(81);
    expect(readFileSync(data('top'), 'utf8')).toBe(layers[0]);
  });

  test('two that ask at once are served one after the other', async () => {
    writeFileSync(inImage('upper/data/once'), '');
    await Promise.all([fill(), fill(), fill()]);
    expect(lstatSync(data('once')).isFile()).toBe(true);
  });
});

/** 1 MiB until it grows. */
async function onSmallDisk(path: string, work: (grow: () => void) => Promise<void>): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', path]);
  try {
    await work(() => execFileSync('mount', ['-o', 'remount,size=20m', path]));
  } finally {
    execFileSync('umount', [path]);
  }
}
