import { once } from 'node:events';
import { expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import { LogBench, numbers, numbersUntil, resting, testFlood, written } from './log-bench.js';

const bench = new LogBench();
testFlood(bench, 200_000);

test('with one file alone, who follows reads on in the one that takes its place', async () => {
  await bench.docker('run', '-d', '--name', 'short', '--log-opt', 'max-size=10k', 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${written(2000)}`);
  const { lines } = bench.logs('-f', 'short');
  const read = numbers(lines);
  await once(lines, 'line');
  await bench.docker('exec', 'short', 'touch', '/go');
  await bench.docker('wait', 'short');
  expect(await read).toMatchObject({ last: 1999 });
  await bench.docker('rm', 'short');
});

const first = (text: string): string => text.slice(0, 8);

test.each([
  ['json-file', ['--log-opt', 'max-size=400k', '--log-opt', 'max-file=4', '--log-opt', 'compress=true']],
  ['local', ['--log-driver', 'local', '--log-opt', 'max-size=400k', '--log-opt', 'max-file=4']],
])('of %s what is rotated is compressed, whoever reads it meanwhile and however often the executor dies', async (driver, options) => {
  const name = `packed-${driver}`;
  const lines = 30_000;
  const writer = written(lines, resting(1000));
  await bench.docker('run', '-d', '--name', name, ...options, 'busybox', 'sh', '-c', `echo "-0000001"; while [ ! -e /go ]; do sleep 0.05; done; ${writer}; while [ ! -e /again ]; do sleep 0.05; done; ${writer}`);
  const reader = bench.logs('-f', name);
  const followed = numbersUntil(reader.lines, lines - 1);
  await once(reader.lines, 'line');
  await bench.docker('exec', name, 'touch', '/go');
  expect(await followed).toEqual({ first: -1, last: lines - 1, gaps: 0 });
  reader.child.kill();
  await expect.poll(() => bench.logFiles(name), { timeout: patience(10_000) }).toEqual(['', '.1.gz', '.2.gz', '.3.gz']);
  const kept = await numbers(bench.logs(name).lines);
  expect(kept).toMatchObject({ last: lines - 1, gaps: 0 });
  expect(kept.first).toBeGreaterThan(0);
  const tail = (await bench.docker('logs', '--tail', '5000', name)).stdout.trim().split('\n').map(first);
  expect([tail.length, tail[0], tail.at(-1)]).toEqual([5000, String(lines - 5000).padStart(8, '0'), String(lines - 1).padStart(8, '0')]);

  await bench.docker('exec', name, 'touch', '/again');
  for (let killed = 0; killed < 3; killed++) {
    const executor = bench.executor() ?? 0;
    process.kill(executor, 'SIGKILL');
    await expect.poll(() => bench.executor() ?? executor, { timeout: patience(20_000) }).not.toBe(executor);
  }
  await bench.docker('wait', name);
  await expect.poll(() => bench.logFiles(name), { timeout: patience(20_000) }).toEqual(['', '.1.gz', '.2.gz', '.3.gz']);
  expect(await numbers(bench.logs(name).lines)).toMatchObject({ last: lines - 1, gaps: 0 });
  await bench.docker('rm', name);
}, patience(120_000));

test('lines over 16 KiB are one line again, and what is no text is as dockerd shows it', async () => {
  await bench.docker('run', '--name', 'odd', 'busybox', 'sh', '-c', `head -c 40000 /dev/zero | tr '\\0' x; echo; printf 'a\\000b\\377c\\303\\050"\\\\\\t\\r\\n'; echo err >&2; printf 'no newline'`);
  const { stdout, stderr } = await bench.docker('logs', 'odd');
  expect(stdout).toBe(`${'x'.repeat(40_000)}\na\0b\ufffdc\ufffd("\\\t\r\nno newline`);
  expect(stderr).toBe('err\n');
  await bench.docker('rm', 'odd');
});
