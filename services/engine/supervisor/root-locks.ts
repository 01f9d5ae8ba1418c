import { closeSync, existsSync, fstatSync, fsyncSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from '#libs/linux/file-lock.js';
import type { Fd } from '#libs/linux/native.js';
import type { SupervisorSettings } from '../settings.js';
import { runningProcess } from './process-file.js';

type Roots = Pick<SupervisorSettings, 'dataRoot' | 'runRoot'>;

/** What a supervisor that was killed may still take to be gone: its other threads, and children that it was about to start, hold what it held. */
const GONE_WITHIN_MS = 10_000;

/**
 * One supervisor a run root, and one run root a data root: two nats-servers that write one log lose what both have acknowledged. By path and for root alone: a name that
 * anybody may hold would let anybody keep it from starting. Resolves to the locks, which go with this process; its children
 * outlive it, so the data root also tells with which run root they are.
 */
export async function takeRoots({ dataRoot, runRoot }: Roots, goneWithinMs = GONE_WITHIN_MS): Promise<readonly Fd[]> {
  const pids = join(runRoot, 'pids');
  mkdirSync(pids, { recursive: true });
  const alreadyThere = `a supervisor for ${runRoot} runs already`;
  const run = await take(join(pids, 'supervisor.lock'), () => (runningProcess(join(pids, 'supervisor')) ? alreadyThere : undefined), goneWithinMs, alreadyThere);
  const holder = join(dataRoot, 'run-root');
  const refusal = (): string | undefined => otherEngine(dataRoot, readOrEmpty(holder), runRoot);
  const data = await take(holder, refusal, goneWithinMs, `a supervisor on ${dataRoot} runs already`);
  return readOrEmpty(holder) === runRoot ? [run, data] : [run, data, replace(holder, runRoot)];
}

/** Held from before it is there on, whole or not at all: without it nobody would know the run root of what outlives this process. */
function replace(path: string, text: string): Fd {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  const lock = lockFile(fresh);
  if (lock === undefined) throw new Error(`${fresh} is somebody else's`);
  writeFileSync(lock, text);
  fsyncSync(lock);
  renameSync(fresh, path);
  return lock;
}

/** Throws what `refusal` tells, whether the lock is held or not. */
async function take(path: string, refusal: () => string | undefined, goneWithinMs: number, isHeld: string): Promise<Fd> {
  for (const deadline = performance.now() + goneWithinMs; ; await sleep(50)) {
    const lock = lockOf(path);
    const refused = refusal() ?? (lock === undefined && performance.now() > deadline ? isHeld : undefined);
    if (refused !== undefined) {
      if (lock !== undefined) closeSync(lock);
      throw new Error(refused);
    }
    if (lock !== undefined) return lock;
  }
}

/** Undefined: somebody holds it, or has put another in its place. */
function lockOf(path: string): Fd | undefined {
  const lock = lockFile(path);
  if (lock === undefined || fstatSync(lock).ino === statSync(path, { throwIfNoEntry: false })?.ino) return lock;
  closeSync(lock);
  return undefined;
}

/** What there is of the data root's with the run root `other`, where that is not `runRoot` by another name. */
function otherEngine(dataRoot: string, other: string, runRoot: string): string | undefined {
  if (other === '' || !existsSync(other) || realpathSync(other) === realpathSync(runRoot)) return undefined;
  const [pids, tasks] = [join(other, 'pids'), join(other, 'tasks')];
  const elsewhere = 'or choose another folder with BERTH_DATA_ROOT';
  if (namesIn(pids).some((name) => runningProcess(join(pids, name)))) return `the engine of BERTH_RUN_ROOT=${other} runs on ${dataRoot}: stop that one first, ${elsewhere}`;
  if (namesIn(tasks).length > 0) return `containers of ${dataRoot} are kept with BERTH_RUN_ROOT=${other}, where they tell of their ends: start with that one, ${elsewhere}`;
  return undefined;
}

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
const readOrEmpty = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
