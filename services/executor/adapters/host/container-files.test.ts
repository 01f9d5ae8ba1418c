import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ContainerFiles } from './container-files.js';
import type { Trash } from './trash.js';

test.each(['', '.', '..', '../volumes', 'a/b', 'A'.repeat(64), `${'a'.repeat(64)}/x`])('%j is no id, and leads nowhere', async (id) => {
  const taken: string[] = [];
  const files = new ContainerFiles('/data', { remove: (path: string) => taken.push(path) } as unknown as Trash, { take: () => false });
  expect(() => files.directory(id)).toThrow(`"${id}" is no container's id`);
  await expect(files.remove(id)).rejects.toThrow();
  expect(taken).toEqual([]);
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
