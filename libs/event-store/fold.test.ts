import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { unavailable } from '#libs/errors/errors.js';
import { type Cause, noHead } from './event.js';
import { Fold } from './fold.js';
import { MemoryEventStore } from './testing/memory-event-store.js';
import { Reaction } from './reaction.js';
import { SnapshotSchedule } from './snapshot-schedule.js';

const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
let folder: string;
let store: MemoryEventStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-fold-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  store = new MemoryEventStore();
});

const happen = (id: string, log = store): Promise<unknown> => log.append(`berth.event.thing.${id}`, noHead, [{ type: 'Happened' }], cause);

/** Names what it saw; `seen` is what it was given since its start, `known` all it knows. */
function collecting(log: MemoryEventStore, path: string, fold = '1'): { fold: Fold; seen: string[]; known: () => string[] } {
  const seen: string[] = [];
  let known: string[] = [];
  const see = ({ subject }: { subject: string }): void => void (seen.push(subject.slice(18)), known.push(subject.slice(18)));
  const snapshot = { path: join(folder, path), fold, freeze: () => known, thaw: (frozen: unknown) => (known = frozen as string[]) };
  return { fold: new Fold(log, { filters: ['berth.event.thing.>'], see, snapshot }), seen, known: () => known };
}

test('a fold goes on where its snapshot ends', async () => {
  const first = collecting(store, 'goes-on');
  await first.fold.start();
  for (const id of ['a', 'b']) await happen(id);
  await first.fold.saveSnapshot();
  await happen('c');
  await first.fold.stop();
  const second = collecting(store, 'goes-on');
  await second.fold.start();
  expect([second.seen, second.known()]).toEqual([['c'], ['a', 'b', 'c']]);
});

test('a snapshot of another log, of another version, ahead of the log, torn or altered is left aside', async () => {
  const first = collecting(store, 'whole');
  await first.fold.start();
  for (const id of ['a', 'b', 'c']) await happen(id);
  await first.fold.saveSnapshot();
  const [other, shorter] = [new MemoryEventStore(), new MemoryEventStore()];
  for (const id of ['a', 'b', 'c']) await happen(id, other); // the same events, decided elsewhere
  await happen('a', shorter);
  const bytes = await readFile(join(folder, 'whole'));
  await writeFile(join(folder, 'torn'), bytes.subarray(0, -1));
  await writeFile(join(folder, 'altered'), bytes.toString().replace('"b"', '"x"'));
  for (const [why, log, path, version, expected] of [
    ['as it is', store, 'whole', '1', []],
    ['another log', other, 'whole', '1', ['a', 'b', 'c']],
    ['ahead', shorter, 'whole', '1', ['a']],
    ['another version', store, 'whole', '2', ['a', 'b', 'c']],
    ['torn', store, 'torn', '1', ['a', 'b', 'c']],
    ['altered', store, 'altered', '1', ['a', 'b', 'c']],
    ['none', store, 'none', '1', ['a', 'b', 'c']],
  ] as const) {
    const late = collecting(log, path, version);
    await late.fold.start();
    expect(late.seen, why).toEqual(expected);
  }
});

test('a schedule saves when the log has grown enough, and at the end', async () => {
  const { fold } = collecting(store, 'scheduled');
  await fold.start();
  const schedule = new SnapshotSchedule([fold], () => undefined, { everyPositions: 3 });
  schedule.start();
  const saved = async (): Promise<number> => {
    const late = collecting(store, 'scheduled');
    await late.fold.start();
    return late.known().length - late.seen.length;
  };
  for (const id of ['a', 'b']) await happen(id);
  await schedule.saveWhenDue();
  expect(await saved()).toBe(0);
  await happen('c');
  await schedule.saveWhenDue();
  expect(await saved()).toBe(3);
  await happen('d');
  await schedule.stop();
  expect(await saved()).toBe(4);
});

test('a reaction whose work fails does it again, after a restart too, and then lets it be', async () => {
  const done: string[] = [];
  let isUp = false;
  const reaction = (): Reaction =>
    new Reaction(store, {
      filters: ['berth.event.thing.>'],
      see: ({ subject }) => [{ key: subject, run: async () => (subject.endsWith('.b') && !isUp ? Promise.reject(unavailable('down')) : void done.push(subject.slice(18))) }],
      snapshot: { path: join(folder, 'reaction'), fold: '1', freeze: () => null, thaw: () => undefined },
      onError: () => undefined,
    });
  const first = reaction();
  await first.start();
  for (const id of ['a', 'b', 'c']) await happen(id);
  await expect.poll(() => done).toEqual(['a', 'c']);
  await first.saveSnapshot();
  await first.stop();
  isUp = true;
  const second = reaction();
  await second.start();
  expect(done).toEqual(['a', 'c', 'b', 'c']); // from the oldest that was undone on
  await second.saveSnapshot();
  await second.stop();
  const third = reaction();
  await third.start();
  expect(done).toHaveLength(4);
  await third.stop();
});

test('a reaction starts although some of its work fails for ever, and does that once it can', async () => {
  for (const id of ['a', 'b']) await happen(id);
  const done: string[] = [];
  const told: unknown[] = [];
  let isFull = true;
  const reaction = new Reaction(store, {
    filters: ['berth.event.thing.>'],
    see: ({ subject }) => [{ key: subject, run: async () => (subject.endsWith('.a') && isFull ? Promise.reject(unavailable('the log is full')) : void done.push(subject.slice(18))) }],
    snapshot: { path: join(folder, 'full'), fold: '1', freeze: () => null, thaw: () => undefined },
    onError: (error) => told.push(error),
  });
  await reaction.start();
  expect(done).toEqual(['b']);
  expect(told).toHaveLength(1);
  isFull = false;
  await expect.poll(() => done, { timeout: 10_000 }).toEqual(['b', 'a']);
  await reaction.stop();
});
