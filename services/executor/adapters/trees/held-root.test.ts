import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, expect, test } from 'vitest';
import { compileStatic } from '../../../../test/fixtures/compile.js';
import { abortFuse } from '../host/fuse-connections.js';
import { TreeThreads } from './tree-threads.js';

/** All cgroups have this in their name. */
const container = '/';
const threads = new TreeThreads(1);
afterAll(() => threads.close());
let running: ChildProcess | undefined;
afterEach(async () => {
  if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
  running.kill('SIGKILL');
  await once(running, 'exit');
});

/** A host has mounts for its own programs, which no container has. */
const WITHOUT_HOSTS = 'umount -R -l /sys; umount -l /proc/sys/fs/binfmt_misc 2>/dev/null';

/** Mounts of its own, in which it mounts what each line says. */
async function containerThatMounts(first: string, mountsAreShared: boolean): Promise<(script: string) => Promise<void>> {
  running = spawn('unshare', ['--mount', '--propagation', mountsAreShared ? 'shared' : 'private', 'sh', '-c', `${WITHOUT_HOSTS}; ${first}; echo ready; while read -r line; do eval "$line"; echo done; done`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = running;
  await once(stdout!, 'data');
  return async (script) => {
    stdin!.write(`${script}\n`);
    await once(stdout!, 'data');
  };
}

const hold = (): Promise<number | undefined> => threads.run('holdRunningRoot', { container, pid: running?.pid ?? 0 });

test.each([['private', false], ['shared', true]])('what a container mounts later, on mounts that are %s, is not in a root that is held, and what it has mounted by then is', async (_, mountsAreShared) => {
  const act = await containerThatMounts('mount -t tmpfs none /mnt && mkdir /mnt/place && echo before > /mnt/place/file', mountsAreShared);
  const root = await hold();
  if (root === undefined) throw new Error('it is not held');
  try {
    await act('mount -t tmpfs none /mnt/place && echo later > /mnt/place/file && echo also > /mnt/other');
    expect(readFileSync(`/proc/self/fd/${root}/mnt/place/file`, 'utf8')).toBe('before\n');
    expect(readFileSync(`/proc/self/fd/${root}/mnt/other`, 'utf8')).toBe('also\n');
    expect(readdirSync(`/proc/self/fd/${root}/proc`)).toContain('version');
  } finally {
    closeSync(root);
  }
  // Nothing of it is left where the thread had it.
  expect(readdirSync('/sys')).toContain('kernel');
  const again = await hold();
  closeSync(again ?? -1);
});

test.each([['private', false], ['shared', true]])('of a root over which something is mounted, on mounts that are %s, what its processes see is held', async (_, mountsAreShared) => {
  await containerThatMounts('mount -t tmpfs none /', mountsAreShared);
  for (let again = 0; again < 2; again++) {
    const root = await hold();
    if (root === undefined) throw new Error('it is not held');
    expect(readdirSync(`/proc/self/fd/${root}/.`)).toContain('etc');
    closeSync(root);
  }
});

test('a root that is not to be copied is not held', async () => {
  await containerThatMounts('mount --make-unbindable /', false);
  expect(await hold()).toBeUndefined();
});

test('of a process that is not the container\'s none is held', async () => {
  await expect(threads.run('holdRunningRoot', { container: 'c'.repeat(64), pid: process.pid })).rejects.toThrow('is not running');
});

test.skipIf(!existsSync('/dev/fuse') || !existsSync('/usr/bin/musl-gcc'))('a root in which a file system answers nobody is not held, and nobody waits for that', async () => {
  running = spawn('unshare', ['--mount', await compileStatic('test/intruder/silent', 'silent'), '/mnt', 'alone'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(running, 'exit');
  try {
    await once(running.stdout!, 'data');
    expect(await hold()).toBeUndefined();
  } finally {
    abortFuse({ container, processes: [running.pid ?? 0], others: [] });
    await ended;
  }
});
