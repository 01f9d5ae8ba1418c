import { median } from './comparison.js';
import { memoryOf } from './memory.js';
import type { Subject } from './subject.js';
import { removeCrowd, startCrowd, STAY, type Work } from './work.js';

const STARTS = 5;
const LISTINGS = 9;

/**
 * With one container running, then with `count`: how long a start, a list and an inspect take, and what memory each idle container takes outside itself, the
 * engine's own growth and its keepers counted.
 */
export const crowd = (count: number): Work => async (subject) => {
  const ids: string[] = [];
  try {
    await startCrowd(subject, ids, 1);
    const alone = await starts(subject);
    const before = await memoryOf(subject.processes, await pidsOf(subject, ids));
    await startCrowd(subject, ids, count);
    const after = await memoryOf(subject.processes, await pidsOf(subject, ids));
    const [one = ''] = ids;
    return new Map([
      ['start with 1 running', alone],
      [`start with ${count} running`, await starts(subject)],
      [`ps -a with ${count}`, await timed(LISTINGS, () => subject.ask('GET', '/containers/json?all=1'))],
      [`inspect with ${count}`, await timed(LISTINGS, () => subject.ask('GET', `/containers/${one}/json`))],
      ['memory per idle container, MiB', (after - before) / (count - 1)],
    ]);
  } finally {
    await removeCrowd(subject, ids);
  }
};

/** The median of some starts, creates and removes not counted. */
async function starts(subject: Subject): Promise<number> {
  const took: number[] = [];
  for (let done = 0; done < STARTS; done++) {
    const id = await subject.create(STAY, 'bridge');
    const before = performance.now();
    await subject.ask('POST', `/containers/${id}/start`);
    took.push(performance.now() - before);
    await subject.ask('DELETE', `/containers/${id}?force=1`);
  }
  return median(took);
}

async function timed(times: number, work: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let done = 0; done < times; done++) {
    const before = performance.now();
    await work();
    took.push(performance.now() - before);
  }
  return median(took);
}

async function pidsOf(subject: Subject, ids: readonly string[]): Promise<number[]> {
  const pids: number[] = [];
  for (const id of ids) pids.push((JSON.parse((await subject.ask('GET', `/containers/${id}/json`)).toString()) as { readonly State: { readonly Pid: number } }).State.Pid);
  return pids;
}
