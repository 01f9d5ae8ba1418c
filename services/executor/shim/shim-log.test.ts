import { readFile, readdir, rename, stat } from 'node:fs/promises';
import { closeSync, existsSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { lockDirectory } from '#libs/linux/file-lock.js';
import { MNT_DETACH, mount, umount2 } from '#libs/linux/mounts.js';
import { finish } from './testing/finish.js';
import { ShimBench, sh, tree, u32 } from './testing/shim-driver.js';

/** Built by the set-up that comes before every test. */
const native = join(dirname(fileURLToPath(import.meta.url)), '../../../native');
let bench: ShimBench;

beforeAll(async () => {
  bench = await ShimBench.open(join(native, 'berth-shim'));
});
afterAll(() => bench[Symbol.asyncDispose]());

test('the log is rotated, and the container dies with its shim', async () => {
  const task = await bench.run('rotated', (at) => [...tree(at), sh('seq 1 1000; exec sleep 1000')], { logMaxBytes: 20_000, logMaxFiles: 3 });
  const { pid } = await task.control.next('started');
  while (!(await readFile(join(task.directory, 'log'), 'utf8').catch(() => '')).includes('"1000\\n"')) await new Promise((resolve) => setImmediate(resolve));
  expect((await readdir(task.directory)).filter((name) => name.startsWith('log')).sort()).toEqual(['log', 'log.1', 'log.2']);
  process.kill(task.pid, 'SIGKILL');
  await task.control.closed;
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
});

test('a rotation that finds no room for the new file ends the log until there is some', async () => {
  const folder = join(bench.directory, 'crowded');
  mkdirSync(folder);
  mount('tmpfs', folder, 'tmpfs', 0, 'nr_inodes=2'); // of the folder, and of one file
  onTestFinished(() => umount2(folder, MNT_DETACH)); // also of one that ran out of time
  const task = await bench.run('crowding', (at) => [...tree(at), sh('while sleep 0.02; do seq 1 100; done')], { logPath: join(folder, 'log'), logMaxBytes: 10_000, logMaxFiles: 2 });
  await task.control.next('started');
  while (!existsSync(join(folder, 'log.1')) || (await task.control.next('log-news')).failedWrites === 0);
  expect(existsSync(join(folder, 'log'))).toBe(false);
  unlinkSync(join(folder, 'log.1'));
  const goesOn = (): Promise<boolean> => readFile(join(folder, 'log')).then(({ length }) => length > 0, () => false);
  // By then it may have been rotated once more, and there is no room again.
  while (!existsSync(join(folder, 'log.1')) && !(await goesOn())) await new Promise((resolve) => setImmediate(resolve));
  task.control.send(2, u32(9));
  await task.control.next('exited');
  await finish(task);
});

test('a record that was cut short takes no other with it: what the shim before left of one, and what a full disk did', async () => {
  const folder = join(bench.directory, 'narrow');
  mkdirSync(folder);
  mount('tmpfs', folder, 'tmpfs', 0, 'size=64k');
  onTestFinished(() => umount2(folder, MNT_DETACH)); // also of one that ran out of time
  const path = join(folder, 'log');
  writeFileSync(path, '{"log":"of a shim that was kil');
  const task = await bench.run('cut-short', (at) => [...tree(at), sh('i=0; while sleep 0.01; do i=$((i + 1)); echo "$i 45678901234567890123456789012345678901234567890123456789"; done')], { logPath: path });
  await task.control.next('started');
  const lines = (): Promise<string[]> => readFile(path, 'utf8').then((log) => log.split('\n'));
  const until = async (count: number): Promise<void> => {
    while ((await lines()).length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  await until(4);
  const filler = join(folder, 'filler');
  expect(() => writeFileSync(filler, Buffer.alloc(1 << 20))).toThrow('ENOSPC');
  while ((await task.control.next('log-news')).failedWrites === 0);
  unlinkSync(filler);
  await until((await lines()).length + 3);
  task.control.send(2, u32(9));
  await task.control.next('exited');
  const [left, first = '', ...others] = await lines();
  expect([left, JSON.parse(first)]).toEqual(['{"log":"of a shim that was kil', expect.objectContaining({ log: expect.stringMatching(/^1 /) as string })]);
  // What is left of one does not have another behind it.
  expect(others.filter((line) => line.indexOf('{"log":') > 0)).toEqual([]);
  await finish(task);
});

test('a rotation is told, put off while somebody holds the directory, and takes compressed files along', async () => {
  const task = await bench.run('held', (at) => [...tree(at), sh('while sleep 0.02; do seq 1 100; done')], { logMaxBytes: 10_000, logMaxFiles: 3 });
  const { pid } = await task.control.next('started');
  const files = async (): Promise<string[]> => (await readdir(task.directory)).filter((name) => name.startsWith('log')).sort();
  const at = (name: string): string => join(task.directory, name);
  const holding = async (work: () => Promise<unknown>): Promise<void> => {
    let held = lockDirectory(task.directory);
    // The shim may be about to rotate.
    for (; held === undefined; held = lockDirectory(task.directory)) await new Promise((resolve) => setImmediate(resolve));
    try {
      await work();
    } finally {
      closeSync(held);
    }
  };
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds().catch(() => false))) await new Promise((resolve) => setImmediate(resolve));
  };
  let before = await files();
  await holding(async () => {
    before = await files();
    const grown = (await stat(at('log'))).size + 20_000;
    await until(async () => (await stat(at('log'))).size > grown);
    expect(await files()).toEqual(before);
  });
  expect((await task.control.next('log-news')).rotations).toBeGreaterThan(0);
  await until(async () => (await files()).includes('log.2'));
  let oldest = '';
  await holding(async () => {
    oldest = await readFile(at('log.1'), 'utf8');
    await rename(at('log.1'), at('log.1.gz'));
    await rename(at('log.2'), at('log.2.gz'));
  });
  await until(async () => (await readFile(at('log.2.gz'), 'utf8')) === oldest);
  await until(async () => (await files()).join() === 'log,log.1,log.2');
  process.kill(task.pid, 'SIGKILL');
  await task.control.closed;
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
});

test('what a log had trouble with is told: a disk that takes nothing, and lines longer than its buffer', async () => {
  const full = await bench.run('full', (at) => [...tree(at), sh('echo lost')], { logPath: '/dev/full' });
  expect(await full.control.next('log-news')).toMatchObject({ failedWrites: 1, longLines: 0 });
  await full.control.next('exited');
  await finish(full);
  const long = await bench.run('long', (at) => [...tree(at), sh('numbers=$(seq 1 9000); echo $numbers')]);
  // 43892 bytes: two pieces fill the buffer, the third has the newline.
  for (let told = 0; told < 2; ) told += (await long.control.next('log-news')).longLines;
  await long.control.next('exited');
  expect(long.control.has('log-news')).toBe(false);
  expect((await long.log()).map(({ log }) => log.length)).toEqual([16384, 16384, 11125]);
  await finish(long);
});
