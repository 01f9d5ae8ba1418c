import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const docker = (...args: string[]) => engine.docker(args);
const FOREVER = 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done';

/** The shim of a container is the parent of its first process. */
async function shimOf(container: string): Promise<number> {
  const pid = (await docker('inspect', '--format', '{{.State.Pid}}', container)).stdout.trim();
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** A zombie, which waits for the machine's init to take note, does not run. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function run(name: string, ...options: string[]): Promise<string> {
  const { stdout, stderr } = await docker('run', '-d', '--name', name, ...options, 'busybox', 'sh', '-c', FOREVER);
  expect(stderr).toBe('');
  return stdout.trim();
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
}

test('a stopped shim delays nobody else, its own calls fail with a clear error, and it goes on when it is continued', async () => {
  const stopped = await run('stopped');
  await run('other');
  const shim = await shimOf(stopped);
  process.kill(shim, 'SIGSTOP');
  try {
    const refused = docker('stop', '-t', '1', 'stopped');
    const removed = docker('kill', 'stopped');
    let over = false;
    void Promise.allSettled([refused, removed]).then(() => (over = true));
    // All of this beside the calls that wait for the stopped one.
    await run('third');
    expect((await docker('ps', '-q')).stdout.trim().split('\n')).toHaveLength(3);
    expect((await docker('inspect', '--format', '{{.State.Running}}', 'stopped')).stdout).toBe('true\n');
    expect(await docker('exec', 'other', 'echo', 'here')).toMatchObject({ stdout: 'here\n', code: 0 });
    expect((await docker('stop', 'other')).code).toBe(0);
    expect((await docker('rm', '-f', 'third')).code).toBe(0);
    expect(over).toBe(false);
    const { code, stderr } = await refused;
    expect(code).toBe(1);
    expect(stderr).toContain('cannot stop container');
    await removed;
    // An executor that starts anew is not held up either, and does not take the stopped one for lost.
    process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
    await until('the executor is back', async () => (await docker('start', 'other')).code === 0);
    expect((await docker('inspect', '--format', '{{.State.Running}}', 'stopped')).stdout).toBe('true\n');
  } finally {
    process.kill(shim, 'SIGCONT');
  }
  await until('the signals that waited have arrived', async () => (await docker('inspect', '--format', '{{.State.Status}}', 'stopped')).stdout === 'exited\n');
  await docker('rm', '-f', 'stopped', 'other');
}, 90_000);

test('a killed shim is told as keeper lost with 255, and takes all processes of its container with it', async () => {
  // With another user the kernel forgets that the container's process should die with its parent.
  const id = await run('orphan', '--user', '1000', '--network', 'none');
  const pid = Number((await docker('inspect', '--format', '{{.State.Pid}}', 'orphan')).stdout);
  process.kill(await shimOf(id), 'SIGKILL');
  await until('it has exited', async () => (await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'orphan')).stdout === 'exited 255\n');
  expect(runs(pid)).toBe(false);
  expect((await docker('start', 'orphan')).code).toBe(0);
  expect((await docker('rm', '-f', 'orphan')).code).toBe(0);
});
