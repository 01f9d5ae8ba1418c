import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { historyOf } from './container-histories.js';
import { EventFolds } from './event-folds.js';
import { UnkeptLog } from './unkept-log.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await turn();
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

test('twenty thousand containers that came and went leave nothing in memory', async () => {
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
  await live(0, 3_000); // what is bounded is filled to its bound
  const before = await heapBytes();
  await live(3_000, 23_000);
  const grown = (await heapBytes()) - before;
  expect(grown / 20_000, 'bytes a container').toBeLessThan(16);

  for (const { subject, event } of historyOf(30_000, { stays: true })) log.give(subject, event);
  expect(folds.containers.directory.all()).toHaveLength(1);
  await folds.stop();
  await rm(folder, { recursive: true });
}, 120_000);
