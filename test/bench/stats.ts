import { median } from './comparison.js';
import type { Subject } from './subject.js';
import { removeCrowd, startCrowd, type Work } from './work.js';

const ROUNDS = 9;

/** With `count` containers running: one answer of each one's usage, asked of all at once, as an agent does that looks at a machine now and then. */
export const statsOfAll = (count: number): Work => async (subject) => {
  const ids: string[] = [];
  try {
    await startCrowd(subject, ids, count);
    const took: number[] = [];
    for (let done = 0; done < ROUNDS; done++) {
      const before = performance.now();
      await Promise.all(ids.map((id) => usageOf(subject, id)));
      took.push(performance.now() - before);
    }
    return new Map([[`stats of ${count}`, median(took)]]);
  } finally {
    await removeCrowd(subject, ids);
  }
};

/** Rejects where the answer tells nothing of a container that runs. */
async function usageOf(subject: Subject, id: string): Promise<void> {
  const answer = JSON.parse((await subject.ask('GET', `/containers/${id}/stats?stream=0&one-shot=1`)).toString()) as { readonly memory_stats?: { readonly usage?: number } };
  if (!((answer.memory_stats?.usage ?? 0) > 0)) throw new Error(`${subject.name}: no memory in the stats of ${id}`);
}
