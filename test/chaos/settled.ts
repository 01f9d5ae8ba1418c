import { setTimeout as sleep } from 'node:timers/promises';
import { differences, type EnginePlace } from './oracle/oracle.js';

const LOOK_AGAIN_MS = 50;

/** Resolves to what the oracle still finds once it finds nothing, or at the deadline: the engine has no moment of its own at which it says that it rests. */
export async function differencesAtRest(place: EnginePlace, deadlineMs = 15_000): Promise<string[]> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await differences(place).catch((error: unknown) => [`the oracle cannot look: ${String(error)}`]);
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Resolves as soon as `holds` does; rejects, saying `what`, after the deadline. What throws does not hold yet. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 30_000, pauseMs = LOOK_AGAIN_MS / 2): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    let last: unknown;
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs / 1000} s: ${what}`, { cause: last });
    await sleep(pauseMs);
  }
}
