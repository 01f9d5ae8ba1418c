import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { historyOf } from './container-histories.js';
import { EventFolds } from './event-folds.js';
import { UnkeptLog } from './unkept-log.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** So many fill what is bounded to its bound. */
const BOUND = 3_000;

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await turn();
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

/** So many containers came and went: bytes of memory that each has left. */
export async function bytesLeftBy(containers: number): Promise<number> {
  const log = new UnkeptLog();
  const folder = await mkdtemp(join(tmpdir(), 'berth-flat-'));
  const folds = new EventFolds(log, folder);
  await folds.start();
  const live = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) {
      for (const { subject, event } of historyOf(n)) log.give(subject, event);
      folds.memory.removed(n.toString(16).padStart(64, '0')); // as the executor does when it removes the files
      if (n % 100 === 0) await turn();
    }
  };
  await live(0, BOUND);
  const before = await heapBytes();
  await live(BOUND, BOUND + containers);
  const grown = (await heapBytes()) - before;

  for (const { subject, event } of historyOf(BOUND + containers, { stays: true })) log.give(subject, event);
  expect(folds.containers.directory.all()).toHaveLength(1);
  await folds.stop();
  await rm(folder, { recursive: true });
  return grown / containers;
}
