import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { patience } from '../../../../test/engine/patience.js';
import { LentNamespaces } from './lent-namespaces.js';

/** Stands for a container's id: the kernel tells it of every process here. */
const own = readFileSync('/proc/self/cgroup', 'utf8').split('\n')[0] ?? '';
const pidOf = ({ pid }: ChildProcess): number => pid ?? expect.fail('it did not start');

const begun: ChildProcess[] = [];
afterEach(() => {
  for (const process of begun.splice(0)) process.kill('SIGKILL');
});

/** One with IPC of its own. */
async function firstProcess(): Promise<ChildProcess> {
  const first = spawn('unshare', ['--ipc', 'sh', '-c', 'echo; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  begun.push(first);
  await once(first.stdout, 'data');
  return first;
}

async function end(process: ChildProcess): Promise<void> {
  process.kill('SIGKILL');
  await once(process, 'close');
}

/** With the number of one that has ended. */
async function successorOf(pid: number): Promise<void> {
  for (;;) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const next = spawn('sleep', ['1000'], { stdio: 'ignore' });
    begun.push(next);
    if (pidOf(next) === pid) return;
    await end(next);
  }
}

test('a namespace of a container stays its own when its first process has ended, and the number is another process\'s', async () => {
  const first = await firstProcess();
  const namespace = statSync(`/proc/${pidOf(first)}/ns/ipc`).ino;
  using lent = LentNamespaces.of(own, pidOf(first), ['ipc']);
  await end(first);
  await successorOf(pidOf(first));
  expect(statSync(lent.path('ipc')).ino).toBe(namespace);
}, patience(20_000));

test('none is taken of a process that is another\'s, or has ended', async () => {
  expect(() => LentNamespaces.of('another', process.pid, ['net'])).toThrow('Container another is not running');
  const first = await firstProcess();
  await end(first);
  expect(() => LentNamespaces.of(own, pidOf(first), ['net'])).toThrow('is not running');
});

test('two containers are in one, or not, and in the host\'s, or not', async () => {
  const first = await firstProcess();
  using lent = LentNamespaces.of(own, pidOf(first), ['ipc', 'pid']);
  using ofHost = LentNamespaces.of(own, process.pid, ['ipc', 'pid']);
  expect([lent.isSame('ipc', ofHost), lent.isSame('pid', ofHost), lent.isTheHosts('ipc'), lent.isTheHosts('pid')]).toEqual([false, true, false, true]);
});
