import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { TreeThreads } from './tree-threads.js';

const threads = new TreeThreads();
afterAll(() => threads.close());

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-stopped-'));
  for (const path of ['root/etc', 'source/below']) mkdirSync(join(top, path), { recursive: true });
  writeFileSync(join(top, 'source/file'), 'mounted');
});
afterEach(() => rmSync(top, { recursive: true }));

/** What is at `found` once the source is mounted at `target`. */
async function mounted(source: string, target: string, found = target): Promise<string | undefined> {
  const root = await threads.run('openStoppedRoot', { source: { directory: join(top, 'root') }, readOnly: false, mounts: [{ type: 'bind', source: join(top, source), target, readOnly: true, propagation: '' }] });
  try {
    const path = `/proc/self/fd/${root}${found}`;
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  } finally {
    closeSync(root);
  }
}

const link = (to: string, path: string): void => symlinkSync(to, join(top, 'root', path));

test.each([
  ['an absolute one', '/usr/share/zone', 'etc/localtime', '/usr/share/zone'],
  ['one that goes up', '../run/resolve/stub', 'etc/localtime', '/run/resolve/stub'],
  ['one beside it', 'missing', 'etc/localtime', '/etc/missing'],
  ['one that leads above the root', '../../../outside', 'etc/localtime', '/outside'],
])('a mount on a symlink to nothing is where the link leads, as when it runs: %s', async (_, to, path, found) => {
  link(to, path);
  expect(await mounted('source/file', `/${path}`, found)).toBe('mounted');
  expect(existsSync(join(top, 'outside'))).toBe(false);
});

test('so is one below such a link, or behind some of them, and a directory', async () => {
  link('/var/other', 'etc/ssl');
  link('/etc/second', 'etc/first');
  link('ssl/third', 'etc/second');
  expect(await mounted('source/file', '/etc/ssl/certs/bundle', '/var/other/certs/bundle')).toBe('mounted');
  expect(await mounted('source/file', '/etc/first', '/var/other/third')).toBe('mounted');
  link('nowhere/deep', 'data');
  expect(await mounted('source', '/data', '/nowhere/deep/file')).toBe('mounted');
});

test('what is missing is made, and a ".." behind a symlink means what it does there', async () => {
  mkdirSync(join(top, 'root/usr/etc'), { recursive: true });
  link('usr/etc', 'conf');
  link('/conf/../run/resolve', 'etc/resolv.conf');
  expect(await mounted('source/file', '/etc/resolv.conf', '/usr/run/resolve')).toBe('mounted');
  expect(await mounted('source/file', '/new/é', '/new/é')).toBe('mounted');
});

test('where links lead nowhere but to each other, or a file is in the way, the mount alone is left out', async () => {
  link('two', 'one');
  link('one', 'two');
  writeFileSync(join(top, 'root/etc/file'), 'own');
  link('/etc/file/below', 'etc/through');
  for (const target of ['/one', '/one/below', '/etc/file/below', '/etc/through']) expect(await mounted('source/file', target, '/etc/file')).toBe('own');
});
