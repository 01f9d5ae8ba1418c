import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from '#libs/errors/errors.js';
import { commandLine, commandLines, isRoots, lineOfShim } from './command-lines.js';

const LOOK_AGAIN_MS = 10;
const DEADLINE_MS = 10_000;

/**
 * The shim of `taskDirectory` that zygotes of `program` forked before they died, once it is certain whether there is one. A fork has its zygote's command line until it
 * listens; then it names its task there, in a moment at which it shows neither. One whose zygote died before it could say that it listens ends at that moment. So what is
 * seen counts when it is seen twice.
 * `living`: the zygote that runs now, which is none. Rejects as unavailable where a fork is stopped.
 */
export async function orphanedShim(program: string, taskDirectory: string, living: () => number | undefined): Promise<number | undefined> {
  const [fork, named] = [`${program}\0zygote\0`, lineOfShim(taskDirectory)];
  const deadline = performance.now() + DEADLINE_MS;
  for (let seen: number | 'nothing yet' | undefined = 'nothing yet'; ; await sleep(LOOK_AGAIN_MS)) {
    if (performance.now() > deadline) throw unavailable(`a fork of a zygote that died has not become a shim within ${DEADLINE_MS / 1000} s`);
    const lines = commandLines();
    if (lines.some(([pid, line]) => line.startsWith(fork) && pid !== living() && isRoots(pid))) {
      seen = 'nothing yet';
      continue;
    }
    const shim = lines.find(([pid, line]) => line.startsWith(named) && isRoots(pid))?.[0];
    if (shim === seen) return shim;
    seen = shim;
  }
}

/** argv of a zygote and of its forks until they listen: the program is a descriptor of the executor's. */
const OF_EXECUTOR = /^\/proc\/(\d+)\/fd\/\d+\0zygote\0/;

/**
 * Resolves once no fork of a zygote whose executor is gone is about to become a shim: what listens by then is all there is. At most 10 s: one that is stopped
 * is no shim yet.
 */
export async function forksOfTheDead(): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  const isUnderWay = ([pid, line]: readonly [number, string]): boolean => {
    const executor = OF_EXECUTOR.exec(line)?.[1];
    return executor !== undefined && commandLine(executor) === '' && isRoots(pid);
  };
  // Twice, as above.
  for (let clear = 0; clear < 2 && performance.now() < deadline; await sleep(LOOK_AGAIN_MS)) clear = commandLines().some(isUnderWay) ? 0 : clear + 1;
}
