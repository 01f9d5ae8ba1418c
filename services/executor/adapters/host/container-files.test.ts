import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mount, MS_BIND, umount2 } from '#libs/linux/mounts.js';
import { startIntruder } from '../../../../test/fixtures/intruder.js';
import { ContainerFiles } from './container-files.js';
import type { Trash } from './trash.js';

test.each(['', '.', '..', '../volumes', 'a/b', 'A'.repeat(64), `${'a'.repeat(64)}/x`])('%j is no id, and leads nowhere', async (id) => {
  const taken: string[] = [];
  const files = new ContainerFiles('/data', { remove: (path: string) => taken.push(path) } as unknown as Trash, { take: () => false });
  expect(() => files.directory(id)).toThrow(`"${id}" is no container's id`);
  await expect(files.remove(id)).rejects.toThrow();
  expect(taken).toEqual([]);
});

test('the hosts of a container are changed in place, and stay as they are where it has made something else of them', () => {
  const top = mkdtempSync(join(tmpdir(), 'berth-hosts-'));
  const id = 'c'.repeat(64);
  const files = new ContainerFiles(top, {} as Trash, { take: () => false });
  const hosts = join(files.directory(id), 'hosts');
  const change = (): void => files.changeHosts(id, [{ name: 'web', address: '172.18.0.2' }]);
  mkdirSync(files.directory(id), { recursive: true });
  try {
    writeFileSync(hosts, '127.0.0.1\tlocalhost\n172.18.0.9\tweb box\n');
    change();
    expect(readFileSync(hosts, 'utf8')).toBe('127.0.0.1\tlocalhost\n172.18.0.2\tweb box\n');
    writeFileSync(hosts, '172.18.0.9\tweb box\n');
    truncateSync(hosts, 1 << 30);
    change();
    expect(statSync(hosts).size).toBe(1 << 30);
    rmSync(hosts);
    writeFileSync(join(top, 'of the host'), '');
    symlinkSync(join(top, 'of the host'), hosts);
    expect(change).toThrow('ELOOP');
    expect(readFileSync(join(top, 'of the host'), 'utf8')).toBe('');
    rmSync(hosts);
    // As one that has grown since it was asked for its size: of this one the kernel tells none.
    writeFileSync(hosts, '');
    const before = readFileSync('/proc/self/comm', 'utf8');
    mount('/proc/self/comm', hosts, '', MS_BIND);
    try {
      writeFileSync(hosts, '1.2.3.4 web');
      change();
      expect(readFileSync(hosts, 'utf8')).toBe('1.2.3.4 web\n');
    } finally {
      writeFileSync('/proc/self/comm', before.trim());
      umount2(hosts, 0);
    }
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('nobody waits for a container that keeps its hosts, or those of one whose network it shares, from being written', async () => {
  const top = mkdtempSync(join(tmpdir(), 'berth-leased-'));
  const id = 'c'.repeat(64);
  const files = new ContainerFiles(top, {} as Trash, { take: () => false });
  const names = ['hosts', 'hostname', 'resolv.conf'];
  const textOf = (name: string): string => readFileSync(join(files.directory(id), name), 'utf8');
  const prepare = (text: string): Promise<void> => files.prepare(id, { hosts: text, hostname: text, resolvConf: text, log: false });
  try {
    await prepare('172.18.0.9\tweb\n');
    const intruder = await startIntruder('lease', ...names.map((name) => join(files.directory(id), name)));
    try {
      files.changeHosts(id, [{ name: 'web', address: '172.18.0.2' }]);
      await prepare('of another run\n');
      expect(names.map(textOf)).toEqual(names.map(() => 'of another run\n'));
    } finally {
      await intruder.end();
    }
    const { ino } = statSync(join(files.directory(id), 'hosts'));
    await prepare('172.18.0.9\tweb\n');
    files.changeHosts(id, [{ name: 'web', address: '172.18.0.2' }]);
    expect(textOf('hosts')).toBe('172.18.0.2\tweb\n');
    expect(statSync(join(files.directory(id), 'hosts')).ino).toBe(ino);
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('a start that comes too late takes away the directory that it made, and not the one that is back in its place', async () => {
  const top = mkdtempSync(join(tmpdir(), 'berth-files-'));
  try {
    const container = 'c'.repeat(64);
    const files = new ContainerFiles(top, { remove: (path: string) => rmSync(path, { recursive: true }) } as unknown as Trash, { take: () => false });
    const prepared = async (): Promise<bigint> => {
      let inode = 0n;
      await files.prepare(container, { hosts: '', hostname: '', resolvConf: '', log: false }, (made) => (inode = made));
      return inode;
    };
    const made = await prepared();
    // As a restore does, which puts what was made beside what is kept out of the way.
    mkdirSync(join(top, 'kept'));
    renameSync(files.directory(container), join(top, 'trash'));
    renameSync(join(top, 'kept'), files.directory(container));
    await files.removeMade(container, made);
    expect(existsSync(files.directory(container))).toBe(true);
    rmSync(files.directory(container), { recursive: true });
    await files.removeMade(container, made);
    await files.removeMade(container, await prepared());
    expect(existsSync(files.directory(container))).toBe(false);
  } finally {
    rmSync(top, { recursive: true });
  }
});
