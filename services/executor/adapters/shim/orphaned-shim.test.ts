import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { forksOfTheDead } from './orphaned-shim.js';

let directory: string;
let started: ChildProcess[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fork-'));
  // Whoever opens it waits, and its name is what a zygote's first argument is.
  execFileSync('mkfifo', [join(directory, 'zygote')]);
  chmodSync(directory, 0o755);
  started = [];
});
afterEach(async () => {
  for (const one of started) if (one.exitCode === null && one.signalCode === null) await ended(one);
  rmSync(directory, { recursive: true });
});

async function ended(process: ChildProcess): Promise<void> {
  const exit = once(process, 'exit');
  process.kill('SIGKILL');
  await exit;
}

function start(program: string, args: readonly string[], argv0: string): ChildProcess {
  const process = spawn(program, args, { argv0, cwd: directory, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(process);
  return process;
}

/** Stands in for a zygote, or a fork of one that does not listen yet: it has the command line. */
async function forkOf(executor: number): Promise<ChildProcess> {
  const fork = start('cat', ['zygote'], `/proc/${executor}/fd/9`);
  await once(fork, 'spawn');
  await expect.poll(() => readFileSync(`/proc/${fork.pid}/cmdline`, 'latin1')).toContain('zygote');
  return fork;
}

/** A process that has ended and that nobody waits for. */
async function zombie(): Promise<number> {
  const parent = start('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 1000'], 'sh');
  const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
  const pid = Number(line);
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /);
  return pid;
}

test('a fork of an executor that was killed is waited for, though nobody has waited for the executor yet', async () => {
  const fork = await forkOf(await zombie());
  let isOver = false;
  const over = forksOfTheDead().then(() => (isOver = true));
  // It looks every 10 ms.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isOver).toBe(false);
  await ended(fork);
  await over;
});

test('a fork of an executor that lives, be it another engine\'s, is not', async () => {
  await forkOf(process.pid);
  await forksOfTheDead();
});

test.each([
  ['a container', 'unshare', ['--pid', '--kill-child', '--fork']],
  ['another user', 'setpriv', ['--reuid', '65534', '--clear-groups']],
])('what a process of %s calls itself is not either', async (_, as, options) => {
  const executor = await zombie();
  const program = `/proc/${executor}/fd/9`;
  start(as, [...options, 'bash', '-c', 'exec -a "$0" cat zygote', program], as);
  await expect.poll(() => readdirSync('/proc').some((pid) => textOf(`/proc/${pid}/cmdline`).startsWith(`${program}\0zygote`))).toBe(true);
  const begun = performance.now();
  await forksOfTheDead();
  expect(performance.now() - begun).toBeLessThan(5_000);
});

/** Empty where it has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
