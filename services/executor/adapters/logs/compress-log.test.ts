import { closeSync, existsSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { armFailpoints, metFailpoints } from '#libs/failpoint/failpoint.js';
import { lockDirectory } from '#libs/linux/file-lock.js';
import { compressRotated } from './compress-log.js';
import { CompressedLog } from './compressed-log.js';
import { LogFiles } from './log-files.js';
import { PlainLog } from './plain-log.js';
import { serveLogs } from './serve-logs.js';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-compress-'));
  path = join(directory, 'c1-json.log');
});
afterEach(async () => {
  armFailpoints(undefined);
  await rm(directory, { recursive: true });
});

const never = new AbortController().signal;
const compress = (): Promise<void> => compressRotated(path, never);
const names = async (): Promise<string[]> => (await readdir(directory)).map((name) => name.replace('c1-json.', '')).toSorted();
const line = (log: string): string => `${JSON.stringify({ log: `${log}\n`, stream: 'stdout', time: '2026-01-01T00:00:00.000000000Z' })}\n`;
/** Three files, the oldest first in `logs`. */
async function rotated(): Promise<void> {
  await writeFile(`${path}.2`, line('one') + line('two'));
  await writeFile(`${path}.1`, line('three'));
  await writeFile(path, line('four'));
}
const ended = { ended: () => true, onEnd: () => () => undefined };
async function logs(tail = -1): Promise<string> {
  const out = new PassThrough();
  const [content] = await Promise.all([text(out), serveLogs({ path, tail, follow: false, stdout: true, stderr: true, since: '', until: '', timestamps: false, terminal: true }, ended, out, () => undefined).then(() => out.end())]);
  return content.trim().replaceAll('\n', ' ');
}
async function ours(path: string): Promise<CompressedLog> {
  const log = await CompressedLog.open(path);
  if (!log) throw new Error(`${path} is no log of ours`);
  return log;
}
/** As the shim rotates, keeping four files (log.c). */
async function rotate(): Promise<void> {
  for (let number = 3; number > 0; number--) for (const suffix of ['', '.gz']) await rename(number === 1 ? path : `${path}.${number - 1}${suffix}`, `${path}.${number}${number === 1 ? '' : suffix}`).catch(() => undefined);
}

test('rotated files are compressed, the newest is not, and all is read in order, from any line on', async () => {
  await rotated();
  await compress();
  expect(await names()).toEqual(['log', 'log.1.gz', 'log.2.gz']);
  expect(gunzipSync(await readFile(`${path}.2.gz`)).toString()).toBe(line('one') + line('two'));
  expect(await logs()).toBe('one two three four');
  expect(await logs(2)).toBe('three four');
  expect(await logs(3)).toBe('two three four');
  expect(await logs(9)).toBe('one two three four');
  expect(await logs(0)).toBe('');
});

test('of a big file memory holds no more than pieces, and its tail is its last lines', async () => {
  const lines = Array.from({ length: 100_000 }, (_, number) => line(`line ${number}`));
  await writeFile(`${path}.1`, lines.join(''));
  await compress();
  expect((await stat(`${path}.1.gz`)).size).toBeLessThan(lines.join('').length / 5);
  expect(await logs(3)).toBe('line 99997 line 99998 line 99999');
  expect((await logs()).split('line ').length).toBe(100_001);
});

test('a file is the same one in either form, and its offsets are', async () => {
  await rotated();
  await using plain = await PlainLog.open(`${path}.2`);
  await compress();
  await using compressed = await ours(`${path}.2.gz`);
  expect(compressed.identity).toBe(plain.identity);
  await compressed.seek(line('one').length);
  expect((await compressed.next()).map(String)).toEqual([line('two').trim()]);
  expect(compressed.offset).toBe((line('one') + line('two')).length);
});

test('who holds files reads them on while they are compressed, and meets none twice', async () => {
  await rotated();
  await using files = new LogFiles(path);
  await files.look();
  await rotate();
  await writeFile(path, line('five'));
  await compress();
  await files.look();
  const found: string[] = [];
  for (let file; (file = files.shift()); ) {
    await using current = file;
    found.push(...(await current.next()).map((bytes) => (JSON.parse(bytes.toString()) as { log: string }).log.trim()));
  }
  expect(found).toEqual(['one', 'two', 'three', 'four', 'five']);
});

test('a file that is rotated on, or away, while it is compressed is neither lost nor there twice', async () => {
  await rotated();
  armFailpoints('log.compressed@1=delay:300');
  const compressing = compress();
  await expect.poll(() => metFailpoints().get('log.compressed')).toBe(1);
  await rotate(); // .2 is .3 now
  await writeFile(path, line('five'));
  await compressing;
  expect(await names()).toEqual(['log', 'log.1.gz', 'log.2.gz', 'log.3.gz']);
  expect(await logs()).toBe('one two three four five');
  await rotate();
  await writeFile(path, line('six'));
  armFailpoints('log.compressed@1=delay:300');
  const again = compress();
  await expect.poll(() => metFailpoints().get('log.compressed')).toBe(1);
  for (const name of ['seven', 'eight', 'nine']) {
    await rotate();
    await writeFile(path, line(name));
  }
  await again;
  expect(await logs()).toBe('six seven eight nine');
  expect(await names()).toEqual(['log', 'log.1.gz', 'log.2.gz', 'log.3.gz']);
});

test.each(['log.compressed', 'log.in-place'])('after an end at %s nothing is missing and nothing there twice, and the next call goes on', async (place) => {
  await rotated();
  armFailpoints(`${place}@1=error`);
  await expect(compress()).rejects.toThrow('failpoint');
  expect(await logs()).toBe('one two three four');
  await writeFile(`${path}.gz.tmp`, 'half of somethi'); // what a kill leaves of it
  await compress();
  expect(await names()).toEqual(['log', 'log.1.gz', 'log.2.gz']);
  expect(await logs()).toBe('one two three four');
});

test('it waits for a rotation that is under way, and gives up when it is told to', async () => {
  await rotated();
  const held = lockDirectory(directory);
  const stopping = new AbortController();
  const compressing = compressRotated(path, stopping.signal);
  await expect.poll(() => existsSync(`${path}.gz.tmp`)).toBe(true);
  expect(await names()).toContain('log.2');
  stopping.abort();
  await expect(compressing).rejects.toThrow();
  if (held !== undefined) closeSync(held);
  expect(await names()).toEqual(['log', 'log.1', 'log.2']);
});

test('what a disk that is almost full takes in parts is whole in the end', async () => {
  await rotated();
  await using some = await open(path);
  const handles = Object.getPrototypeOf(some) as FileHandle;
  const { write } = handles;
  handles.write = function (this: FileHandle, bytes: Buffer, offset = 0, length = bytes.length - offset, position?: number) {
    return Reflect.apply(write, this, [bytes, offset, Math.ceil(length / 2), position]) as unknown;
  } as typeof write;
  await compress().finally(() => (handles.write = write));
  expect(gunzipSync(await readFile(`${path}.2.gz`)).toString()).toBe(line('one') + line('two'));
  expect(await logs()).toBe('one two three four');
});

test('a compressed file that is cut off is told to its reader', async () => {
  await rotated();
  await compress();
  await writeFile(`${path}.2.gz`, (await readFile(`${path}.2.gz`)).subarray(0, -20));
  await using file = await ours(`${path}.2.gz`);
  await expect(file.next()).rejects.toThrow();
});
