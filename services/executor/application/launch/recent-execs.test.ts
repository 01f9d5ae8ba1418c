import { expect, test } from 'vitest';
import { noHead, type Head } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { RecentExecs } from './recent-execs.js';

const MINUTE = 60_000;
const STRETCH = 10;

class Log extends MemoryEventStore {
  /** After which position each replay began. */
  readonly replays: number[] = [];
  private head: Head = noHead;

  override async replay(...read: Parameters<MemoryEventStore['replay']>): Promise<number> {
    this.replays.push(read[1]);
    return super.replay(...read);
  }

  /** Probes of one container. */
  async probe(names: readonly string[], ageMs = 0): Promise<void> {
    for (const exec of names) {
      const events = [{ type: 'ExecStarted', exec, pid: Number(exec) }] as const;
      const { position, hash } = await this.append('berth.event.task.c-1', this.head, events, { correlationId: 'c', causationId: 'd', actor: 'test' }, { time: new Date(Date.now() - ageMs) });
      this.head = { sequence: position, hash };
    }
  }
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, number) => String(from + number));

test('of a long log only the end is read, as far back as an exec may have begun, and once for all who ask', async () => {
  const log = new Log();
  await log.probe(numbers(0, 100), 2 * MINUTE);
  await log.probe(numbers(100, 125), MINUTE / 2);
  const recent = new RecentExecs(log, MINUTE, STRETCH);
  expect(await Promise.all(['100', '124', '50', 'never'].map((exec) => recent.pidOf(exec)))).toEqual([100, 124, undefined, undefined]);
  expect(log.replays).toEqual([95]);
});

test('what begins later is known to who asks later', async () => {
  const log = new Log();
  await log.probe(numbers(0, 5));
  const recent = new RecentExecs(log, MINUTE, STRETCH);
  const first = recent.pidOf('7');
  expect(await recent.pidOf('4')).toBe(4);
  expect(await first).toBeUndefined();
  await log.probe(numbers(5, 9));
  expect(await recent.pidOf('7')).toBe(7);
  expect(log.replays).toEqual([0, 5]);
});

test('a log that does not answer is asked again by the next', async () => {
  const log = new Log();
  await log.probe(numbers(0, 5));
  let isAway = true;
  const store = { replay: log.replay.bind(log), commitAt: log.commitAt.bind(log), lastPosition: () => (isAway ? Promise.reject(new Error('away')) : log.lastPosition()) };
  const recent = new RecentExecs(store, MINUTE, STRETCH);
  await expect(recent.pidOf('3')).rejects.toThrow('away');
  isAway = false;
  expect(await recent.pidOf('3')).toBe(3);
});
