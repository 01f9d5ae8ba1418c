import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { RefusalLog } from './refusals.js';

const asked = { actor: 'uid:1000', correlationId: 'c', causationId: 'd' };

/** A log that tells after which positions it was followed. */
class Log extends MemoryEventStore {
  readonly followed: number[] = [];

  override follow(...asked: Parameters<MemoryEventStore['follow']>): ReturnType<MemoryEventStore['follow']> {
    this.followed.push(asked[1]);
    return super.follow(...asked);
  }

  async grow(by: number): Promise<void> {
    const from = await this.lastPosition();
    for (let n = from; n < from + by; n++) await this.append(`berth.event.container.${n}`, noHead, [{ type: 'Happened' }], asked);
  }
}

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-refusals-'))));
afterEach(() => rm(folder, { recursive: true }));

test('an engine that crashes reads no more of the log at its next start than what came since its last snapshot', async () => {
  const log = new Log();
  const path = join(folder, 'access.snapshot');
  await log.grow(10);
  // None of them is stopped.
  const open = (lookEveryMs?: number): Promise<void> => new RefusalLog(log, path, { everyPositions: 5, ...(lookEveryMs === undefined ? {} : { lookEveryMs }) }).start();
  await open();
  await open(10);
  expect(log.followed).toEqual([0, 10]);
  await log.grow(5);
  await expect.poll(() => readFile(path, 'utf8')).toContain('"position":15');
  await open();
  expect(log.followed.at(-1)).toBe(15);
});
