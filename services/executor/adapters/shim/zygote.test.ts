import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { patience } from '../../../../test/engine/patience.js';
import { encodePlan, planOf } from '../../domain/plan/encode-plan.js';
import { defaults } from '../../shim/testing/shim-driver.js';
import { Zygote } from './zygote.js';

/** Built by the set-up that comes before every test. */
const PROGRAM = fileURLToPath(new URL('../../../../native/berth-shim', import.meta.url));
const DEADLINE_MS = patience(1_000);

let directory: string;
let zygote: Zygote;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'zygote-'));
  zygote = new Zygote(PROGRAM, DEADLINE_MS);
  zygote.warmUp();
});
afterEach(async () => {
  zygote.close();
  await expect.poll(zygotes).toEqual([]);
  for (const pid of processes()) if (lineOf(pid).startsWith(`berth-shim\0${directory}/`)) process.kill(pid, 'SIGKILL');
  await expect.poll(() => processes().filter((pid) => lineOf(pid).includes(directory))).toEqual([]);
  rmSync(directory, { recursive: true });
});

const processes = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);

function lineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

const shimsOf = (task: string): number[] => processes().filter((pid) => lineOf(pid).startsWith(`berth-shim\0${directory}/${task}\0`));

const zygotes = (): number[] => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number).filter((pid) => lineOf(pid).startsWith(`${PROGRAM}\0zygote\0`));

/** Once it is there: it takes no request any more until it is continued. */
async function stopZygote(): Promise<number> {
  await expect.poll(zygotes).toHaveLength(1);
  const [pid = 0] = zygotes();
  process.kill(pid, 'SIGSTOP');
  return pid;
}

/** A shim that stays: its plan's first step fails, and nobody takes note. */
function spawnShim(task: string): Promise<number> {
  const taskDirectory = join(directory, task);
  mkdirSync(taskDirectory);
  const plan = planOf({ ...defaults, taskDirectory, logPath: join(taskDirectory, 'log') }, [{ op: 'mkdir_host', actor: 'parent', from: 'test', path: `${taskDirectory}/missing/one`, mode: 0o755 }]);
  return zygote.spawnShim(encodePlan(plan), taskDirectory);
}

function goOn(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It was ended.
  }
}

test('a request that passed its deadline is answered to nobody else, and leaves no shim', async () => {
  const stopped = await stopZygote();
  await expect(spawnShim('late')).rejects.toMatchObject({ kind: 'unavailable', message: `no shim was started within ${DEADLINE_MS / 1000} s` });
  goOn(stopped);
  const pid = await spawnShim('next');
  expect(shimsOf('next')).toEqual([pid]);
  expect(shimsOf('late')).toEqual([]);
});

test('who waited behind such a request gets a shim, and one alone', async () => {
  const stopped = await stopZygote();
  const late = spawnShim('late');
  const behind = spawnShim('behind');
  await expect(late).rejects.toMatchObject({ kind: 'unavailable' });
  goOn(stopped);
  const pid = await behind;
  expect(shimsOf('behind')).toEqual([pid]);
  expect(shimsOf('late')).toEqual([]);
});
