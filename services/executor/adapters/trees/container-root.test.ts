import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRunningRoot } from './container-root.js';

/** Stands for a container's id: the kernel tells it of every process here. */
const own = readFileSync('/proc/self/cgroup', 'utf8').split('\n')[0] ?? '';

test('the root of a process of the container is given, and of no other', () => {
  const root = openRunningRoot(own, process.pid);
  expect(fstatSync(root).ino).toBe(statSync('/').ino);
  closeSync(root);
  expect(() => openRunningRoot('another', process.pid)).toThrow('Container another is not running');
});

test('a container whose first process has ended does not run', async () => {
  const process = spawn('true');
  await once(process, 'close');
  expect(() => openRunningRoot(own, process.pid ?? 0)).toThrow('is not running');
});
