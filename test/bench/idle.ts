import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from './comparison.js';
import { idleMemory, memoryOf } from './memory.js';
import { life, type Work } from './work.js';

/** An engine that nothing asks: what its processes hold together, and each of them where they are several. */
export const idle: Work = async (subject): Promise<Figures> => {
  const together = await memoryOf(subject.processes, []);
  const each = [...idleMemory(subject.processes)];
  return new Map([['memory idle, MiB', together], ...(each.length > 1 ? each.map(([name, mib]): [string, number] => [`memory idle: ${name}, MiB`, mib]) : [])]);
};

/** nats-server writes the log in blocks of 8 MiB and holds the newest in memory: it is full once after some 700 containers. */
const FIRST_BLOCK = 1_000;

/**
 * What `lives` containers, gone again, leave in an engine's memory: at once, and when it has been idle for `restSeconds`, as it was before. Garbage collectors look late where nothing is asked for: Go's every
 * two minutes, and what it keeps to use again goes with the second look. Some containers come first, which warm up what every engine keeps.
 */
export const growth = (lives: number, restSeconds: number): Work => async (subject): Promise<Figures> => {
  const live = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done++) await life('none')(subject);
  };
  const idleMiB = async (): Promise<number> => {
    await delay(restSeconds * 1_000);
    return memoryOf(subject.processes, []);
  };
  await live(Math.min(FIRST_BLOCK, lives));
  const before = await idleMiB();
  await live(lives);
  const atOnce = await memoryOf(subject.processes, []);
  const idle = await idleMiB();
  const many = `${lives.toLocaleString('en')} containers`;
  return new Map([[`memory right after ${many}, MiB`, atOnce], [`memory idle after ${many}, MiB`, idle], [`memory grown by ${many}, MiB`, idle - before]]);
};
