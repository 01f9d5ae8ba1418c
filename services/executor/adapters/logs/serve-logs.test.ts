import { appendFile, mkdtemp, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogWriter } from './follow-log.js';
import { type LogRequest, serveLogs } from './serve-logs.js';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-logs-'));
  path = join(directory, 'c1-json.log');
});
afterEach(() => rm(directory, { recursive: true }));

/** As the shim writes it: the second stands for the time. */
const line = (log: string, second = 0, stream = 'stdout'): string => `${JSON.stringify({ log, stream, time: `2026-01-01T00:00:0${second}.000000000Z` })}\n`;
const second = (number: number): string => `2026-01-01T00:00:0${number}.000000000Z`;

class Writer implements LogWriter {
  private readonly listeners = new Set<() => void>();
  private done = false;
  ended(): boolean {
    return this.done;
  }
  onEnd(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  end(): void {
    this.done = true;
    for (const listener of this.listeners) listener();
  }
}
const unread = (): void => void unreadLogs++;
let unreadLogs = 0;
const ended = new Writer();
ended.end();

const everything = (): LogRequest => ({ path, tail: -1, follow: false, stdout: true, stderr: true, since: '', until: '', timestamps: false, terminal: true });

async function read(request: Partial<LogRequest> = {}, writer: LogWriter = ended): Promise<string> {
  const out = new PassThrough();
  const [content] = await Promise.all([text(out), serveLogs({ ...everything(), ...request }, writer, out, unread).then(() => out.end())]);
  return content;
}

/** Starts to follow; `sees` resolves once the reader has got these words. */
function following(request: Partial<LogRequest> = {}) {
  const writer = new Writer();
  const out = new PassThrough();
  let content = '';
  out.on('data', (bytes: Buffer) => (content += bytes.toString()));
  const served = serveLogs({ ...everything(), follow: true, ...request }, writer, out, unread);
  const sees = (words: string): Promise<void> => expect.poll(() => content, { timeout: 5_000, interval: 5 }).toContain(words);
  return { writer, out, sees, rest: async () => (await served, content) };
}

test('a log that cannot be read is told to the reader, and counted', async () => {
  await symlink(path, path);
  const before = unreadLogs;
  expect(await read({ terminal: false })).toContain('ELOOP');
  expect(unreadLogs).toBe(before + 1);
});

test('a log is read from its beginning to its end', async () => {
  await writeFile(path, line('one\n') + line('two\n'));
  expect(await read()).toBe('one\ntwo\n');
});
test('a container that never wrote has an empty log', async () => expect(await read()).toBe(''));

test('the tail is the last lines, however many there are', async () => {
  await writeFile(path, line('one\n') + line('two\n') + line('three\n'));
  expect(await read({ tail: 2 })).toBe('two\nthree\n');
  expect(await read({ tail: 3 })).toBe('one\ntwo\nthree\n');
  expect(await read({ tail: 9 })).toBe('one\ntwo\nthree\n');
  expect(await read({ tail: 0 })).toBe('');
});
test('the tail of a long log is found, too', async () => {
  await writeFile(path, Array.from({ length: 5_000 }, (_, number) => line(`line ${number}\n`)).join(''));
  expect(await read({ tail: 2 })).toBe('line 4998\nline 4999\n');
  expect((await read({ tail: 4_000 })).split('\n')[0]).toBe('line 1000');
  expect((await read()).split('\n')).toHaveLength(5_001);
});
test('since and until both include their moment', async () => {
  await writeFile(path, [1, 2, 3, 4].map((number) => line(`${number}\n`, number)).join(''));
  expect(await read({ since: second(2) })).toBe('2\n3\n4\n');
  expect(await read({ until: second(3) })).toBe('1\n2\n3\n');
  expect(await read({ since: second(2), until: second(3) })).toBe('2\n3\n');
});
test('stdout and stderr can be read apart', async () => {
  await writeFile(path, line('out\n') + line('err\n', 0, 'stderr'));
  expect(await read({ stderr: false })).toBe('out\n');
  expect(await read({ stdout: false })).toBe('err\n');
});
test('without a terminal each piece says which stream it is of and how long', async () => {
  await writeFile(path, line('out\n') + line('err\n', 0, 'stderr'));
  expect(await read({ terminal: false })).toBe('\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n');
});
test('timestamps come before the lines', async () => {
  await writeFile(path, line('one\n', 1));
  expect(await read({ timestamps: true })).toBe(`${second(1)} one\n`);
});
test('a line torn by a crash is left out, and those around it are read', async () => {
  await writeFile(path, `${line('one\n')}{"log":"tor\n${line('two\n')}{"log":"not yet`);
  expect(await read()).toBe('one\ntwo\n');
});

test('rotated files are read in the order in which they were written', async () => {
  await writeFile(`${path}.2`, line('one\n'));
  await writeFile(`${path}.1`, line('two\n') + line('three\n'));
  await writeFile(path, line('four\n'));
  expect(await read()).toBe('one\ntwo\nthree\nfour\n');
  expect(await read({ tail: 2 })).toBe('three\nfour\n');
});

test('who follows sees what was there, what comes, and the end with the writer\'s', async () => {
  await writeFile(path, line('one\n'));
  const reader = following();
  await reader.sees('one');
  await appendFile(path, line('two\n'));
  await reader.sees('two');
  await appendFile(path, line('three\n'));
  reader.writer.end();
  expect(await reader.rest()).toBe('one\ntwo\nthree\n');
});
test('who follows a log that is not there yet sees its first line', async () => {
  const reader = following();
  await new Promise((resolve) => setTimeout(resolve, 20)); // let it find nothing
  await appendFile(path, line('one\n'));
  await reader.sees('one');
  reader.writer.end();
  expect(await reader.rest()).toBe('one\n');
});
test('who follows sees a line once it is whole', async () => {
  await writeFile(path, line('one\n'));
  const reader = following();
  await reader.sees('one');
  const two = line('two\n');
  await appendFile(path, two.slice(0, 10));
  await appendFile(path, two.slice(10));
  await reader.sees('two');
  reader.writer.end();
  expect(await reader.rest()).toBe('one\ntwo\n');
});
test('who follows goes on in the new file when the log is rotated', async () => {
  await writeFile(path, line('one\n'));
  const reader = following();
  await reader.sees('one');
  await appendFile(path, line('two\n'));
  await rename(path, `${path}.1`);
  await writeFile(path, line('three\n'));
  await reader.sees('three');
  reader.writer.end();
  expect(await reader.rest()).toBe('one\ntwo\nthree\n');
});
/** Of this process's descriptors, those that are the log's. */
async function heldInodes(): Promise<number[]> {
  const links = (await readdir('/proc/self/fd')).map((fd) => `/proc/self/fd/${fd}`);
  const logs = await Promise.all(links.map(async (link) => ((await readlink(link).catch(() => '')).startsWith(path) ? [(await stat(link)).ino] : [])));
  return logs.flat();
}

/** As the shim rotates, keeping three files. */
async function rotate(): Promise<void> {
  await rename(`${path}.1`, `${path}.2`).catch(() => undefined);
  await rename(path, `${path}.1`);
}
test('who follows misses nothing when the log is rotated twice between two looks', async () => {
  await writeFile(path, line('one\n'));
  const reader = following();
  await reader.sees('one');
  await appendFile(path, line('two\n'));
  await rotate();
  await writeFile(path, line('three\n'));
  await rotate();
  await writeFile(path, line('four\n'));
  await reader.sees('four');
  reader.writer.end();
  expect(await reader.rest()).toBe('one\ntwo\nthree\nfour\n');
});
test('who follows and stands still has all of it, though rotation has removed it meanwhile', async () => {
  const big = (name: string): string => line(`${name}${'.'.repeat(20_000)}\n`);
  await writeFile(path, big('one'));
  const out = new PassThrough({ highWaterMark: 1 });
  const writer = new Writer();
  const served = serveLogs({ ...everything(), follow: true }, writer, out, unread).then(() => out.end());
  await expect.poll(() => out.readableLength + out.writableLength).toBeGreaterThan(0); // and now it waits
  for (const name of ['two', 'three', 'four', 'five', 'six']) {
    await rotate();
    await writeFile(path, big(name));
    // What is rotated is held open as soon as it is seen.
    await expect.poll(async () => await heldInodes()).toContain((await stat(path)).ino);
  }
  writer.end();
  const [content] = await Promise.all([text(out), served]);
  expect(content.replaceAll('.', '')).toBe('one\ntwo\nthree\nfour\nfive\nsix\n');
  expect(await heldInodes()).toEqual([]);
});
test('a read that does not follow ends where the log was when it began', async () => {
  await writeFile(path, line('one\n'));
  const out = new PassThrough({ highWaterMark: 1 });
  const served = serveLogs(everything(), ended, out, unread).then(() => out.end());
  await expect.poll(() => out.readableLength + out.writableLength).toBeGreaterThan(0);
  await appendFile(path, line('two\n'));
  expect(await text(out)).toBe('one\n');
  await served;
});
test('a reader who goes away ends the following', async () => {
  await writeFile(path, line('one\n'));
  const reader = following();
  await reader.sees('one');
  reader.out.destroy();
  expect(await reader.rest()).toBe('one\n');
});
