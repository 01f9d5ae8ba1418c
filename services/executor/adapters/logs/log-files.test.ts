import { closeSync, readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from '#libs/linux/file-lock.js';
import { HeldFiles } from './held-files.js';
import { LogFiles } from './log-files.js';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-log-files-'));
  path = join(directory, 'log');
});
afterEach(() => rm(directory, { recursive: true }));

async function contents(files: LogFiles): Promise<string[]> {
  const found: string[] = [];
  for (let file; (file = files.shift()); ) {
    await using current = file;
    found.push(Buffer.concat(await current.next()).toString());
  }
  return found;
}

test('a number that is missing in the middle of a rotation is not the end', async () => {
  await writeFile(`${path}.2`, 'a\n');
  await writeFile(path, 'b\n');
  await using files = new LogFiles(path);
  await files.look();
  expect(await contents(files)).toEqual(['a', 'b']);
});

test('however quickly a log is rotated, its files are met in their order and once', async () => {
  let written = 0;
  // As the shim does.
  const rotate = (): void => {
    const held = lockDirectory(directory);
    if (held === undefined) return;
    for (const number of [2, 1]) if (written >= number) renameSync(number === 1 ? path : `${path}.1`, `${path}.${number}`);
    writeFileSync(path, `${++written}\n`);
    closeSync(held);
  };
  await using files = new LogFiles(path);
  const found: number[] = [];
  for (let looks = 0; looks < 8; looks++) {
    rotate();
    let isOver = false;
    const look = files.look().finally(() => (isOver = true));
    while (!isOver) {
      rotate();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await look;
    found.push(...(await contents(files)).map(Number));
  }
  expect(found).toEqual([...new Set(found)].toSorted((one, other) => one - other));
});

test('in the moment in which there is no newest file, the one before is found, and then is not found again', async () => {
  await writeFile(`${path}.1`, 'a\n');
  await using files = new LogFiles(path);
  await files.look();
  await writeFile(path, 'b\n');
  await files.look();
  await files.look();
  expect(files.count).toBe(2);
  expect(await contents(files)).toEqual(['a', 'b']);
});

test('what is still there by its name holds no room for the reader, however much it is', async () => {
  await writeFile(`${path}.1`, `${'a'.repeat(20)}\n`);
  await writeFile(path, `${'b'.repeat(20)}\n`);
  await using files = new LogFiles(path, 10);
  await files.look();
  expect(await contents(files)).toEqual(['a'.repeat(20), 'b'.repeat(20)]);
});

test('a reader that is too far behind is told, for ever, and holds nothing any more', async () => {
  await writeFile(path, 'a'.repeat(11));
  await using files = new LogFiles(path, 10);
  await files.look();
  await rm(path);
  await writeFile(path, 'b\n');
  await expect(files.look()).rejects.toThrow('behind');
  await expect(files.look()).rejects.toThrow('behind');
  expect(files.count).toBe(0);
});

test('the tail of what ends here is not of what was written since', async () => {
  await writeFile(path, 'a\nb\nc\nhal');
  await using files = new LogFiles(path);
  await files.look();
  await files.endHere();
  await appendFile(path, 'f\nd\ne\n');
  await files.keepTail(2);
  expect((await contents(files)).join()).toBe('bc');
});

/** Of this process, what is open in the log's folder. */
function open(): string[] {
  const linkOf = (fd: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // that of this look itself
    }
  };
  return readdirSync('/proc/self/fd').map(linkOf).filter((link) => link.startsWith(directory));
}

test('a look that fails leaves nothing open: of what it had found, and of what it could not read', async () => {
  await writeFile(path, 'b\n');
  await symlink(`${path}.1`, `${path}.1`); // ELOOP
  const looped = new LogFiles(path);
  await expect(looped.look()).rejects.toThrow('ELOOP');
  await rm(`${path}.1`);
  await mkdir(`${path}.1.gz`); // EISDIR, once it is open
  const directed = new LogFiles(path);
  await expect(directed.look()).rejects.toThrow('EISDIR');
  await looped[Symbol.asyncDispose]();
  await directed[Symbol.asyncDispose]();
  expect(open()).toEqual([]);
});

test('a gzip of the log that somebody else put beside it is passed over', async () => {
  await writeFile(`${path}.1.gz`, gzipSync('b\n'));
  await writeFile(`${path}.2`, 'a\n');
  await writeFile(path, 'b\n');
  await using files = new LogFiles(path);
  await files.look();
  expect(await contents(files)).toEqual(['a', 'b']);
  expect(open()).toEqual([]);
});

test('of too many files that readers hold, those who hold most let go of theirs, and who keeps up reads on', async () => {
  const held = new HeldFiles(5);
  const still = new LogFiles(path, undefined, held);
  await using brisk = new LogFiles(path, undefined, held);
  const rotate = async (name: string): Promise<void> => {
    await rm(path, { force: true });
    await writeFile(path, `${name}\n`);
    await brisk.look();
    expect(await contents(brisk)).toEqual([name]);
  };
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await rotate(name);
    await still.look();
  }
  expect(still.count).toBe(5);
  await rotate('f');
  await expect(still.look()).rejects.toThrow('6 files behind');
  expect(open()).toEqual([]);
  await rotate('g');
  await using late = new LogFiles(path, undefined, held);
  await late.look();
  expect(await contents(late)).toEqual(['g']);
});

test('one log of more files than may be held is not opened whole', async () => {
  for (const number of [1, 2, 3]) await writeFile(`${path}.${number}`, `${number}\n`);
  const held = new HeldFiles(2);
  const files = new LogFiles(path, undefined, held);
  await expect(files.look()).rejects.toThrow('3 files behind');
  expect(open()).toEqual([]);
  await files[Symbol.asyncDispose]();
  for (const number of [2, 3]) await rm(`${path}.${number}`);
  await using fewer = new LogFiles(path, undefined, held);
  await fewer.look();
  expect(await contents(fewer)).toEqual(['1']);
});
