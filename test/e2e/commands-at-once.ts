import { expect } from 'vitest';
import type { TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** Runs `count` commands in `container` at the same time; each prints what is its own. */
export async function runAtOnce(engine: TestEngine, container: string, count: number): Promise<void> {
  const docker = (...args: string[]) => engine.docker(args);
  const numbers = Array.from({ length: count }, (_, index) => String(index));
  await docker('exec', container, 'mkfifo', '/tmp/all');
  // They wait without work: a pipe that has no writer opens for none of them, and then for all.
  const runs = Promise.all(numbers.map((number) => docker('exec', container, 'sh', '-c', `read line < /tmp/all; echo ${number}`)));
  await expect.poll(async () => (await docker('top', container)).stdout.match(/read line/g)?.length, { timeout: patience(60_000), interval: 500 }).toBe(numbers.length);
  await docker('exec', container, 'sh', '-c', ': > /tmp/all');
  expect((await runs).map(({ stdout }) => stdout.trim())).toEqual(numbers);
}
