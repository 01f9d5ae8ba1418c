import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { conflict } from '#libs/errors/errors.js';
import { armFailpoints } from '#libs/failpoint/failpoint.js';
import { Aggregates, type AggregatesOptions } from './aggregates.js';
import type { Decider } from './decider.js';
import { noHead, type Cause, type Commit, type PlannedEvent } from './event.js';
import type { EventStore } from './event-store.js';
import { connectEventStore } from './jetstream-event-store.js';
import { LogFeed } from './log-feed.js';
import { MemoryEventStore } from './testing/memory-event-store.js';
import { idOfKey, RememberedResults } from './remembered-results.js';
import { upcaster } from './upcast.js';
import { idempotent, specify } from './testing/specify.js';
import { TestNatsServer } from './testing/nats-server.js';

type Counter = { readonly count: number };
type Command = { readonly type: 'Add'; readonly by: number; readonly limit?: number } | { readonly type: 'Clear' };
type Event = { readonly type: 'Added'; readonly by: number } | { readonly type: 'Cleared' };

const counter: Decider<Counter, Command, Event> = {
  initialState: { count: 0 },
  decide: (command, state) => {
    if (command.type === 'Clear') return state.count === 0 ? [] : [{ type: 'Cleared' }];
    if (command.limit !== undefined && state.count + command.by > command.limit) throw conflict(`more than ${command.limit}`);
    return command.by === 0 ? [] : [{ type: 'Added', by: command.by }];
  },
  evolve: (state, event) => ({ count: event.type === 'Cleared' ? 0 : state.count + event.by }),
};
const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
const add2: Event = { type: 'Added', by: 2 };
const add = (by: number, limit?: number): Command => ({ type: 'Add', by, ...(limit === undefined ? {} : { limit }) });

const given = specify(counter);
test('a decider is specified by history, command and outcome', () => {
  given({ type: 'Added', by: 2 }).when(add(3)).then({ type: 'Added', by: 3 });
  given().when({ type: 'Clear' }).thenNothing();
  given({ type: 'Added', by: 2 }).when(add(3, 4)).thenRefused('conflict', /more than 4/);
  expect(() => given().when(add(1)).thenNothing()).toThrow();
  expect(() => given().when(add(1)).thenRefused('conflict')).toThrow(/not refused/);
  idempotent(counter, [[], [{ type: 'Added', by: 2 }]], [{ type: 'Clear' }]);
  expect(() => idempotent(counter, [[]], [add(1)])).toThrow();
});

test('of what was done with a key its place is remembered, and not what may be megabytes', () => {
  const results = new RememberedResults(2);
  for (const position of [1, 2, 3]) results.add({ id: `id ${position}`, position, cause: { ...cause, idempotencyKey: 'key' } } as Commit);
  results.add({ id: 'without a key', position: 4, cause } as Commit);
  expect(['id 1', 'id 2', 'id 3', 'without a key'].map((id) => results.get(id))).toEqual([undefined, 2, 3, undefined]);
});

let server: TestNatsServer;
beforeAll(async () => {
  server = await TestNatsServer.start();
});
afterAll(async () => {
  for (const feed of feeds) await feed.close();
  await server.stop();
});

const feeds: LogFeed[] = [];
async function rounds(): Promise<LogFeed> {
  const feed = await LogFeed.connectInRounds({ servers: server.url, name: 'rounds' }, 100);
  feeds.push(feed);
  return feed;
}

let run = 0;
describe.each<[string, () => Promise<EventStore>]>([
  ['memory', async () => new MemoryEventStore()],
  ['JetStream', () => connectEventStore({ servers: server.url, source: 's', name: 'test' })],
  ['JetStream, in rounds', async () => connectEventStore({ servers: server.url, source: 's', name: 'test' }, await rounds())],
])('aggregates on %s', (_, open) => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  async function setup(): Promise<{ kind: string; store: EventStore; start: (options?: Partial<AggregatesOptions<Counter>>) => Promise<Aggregates<Counter, Command, Event>> }> {
    const store = await open();
    closing.push(() => store.close());
    const kind = `counter${++run}`;
    return {
      kind,
      store,
      start: async (options) => {
        const aggregates = new Aggregates(store, kind, counter, { source: '/berth/test', ...options });
        closing.push(() => aggregates.stop());
        await aggregates.start();
        return aggregates;
      },
    };
  }

  test('a command is seen at once by its writer and, at its position, by others', async () => {
    const { start } = await setup();
    const [one, other] = [await start(), await start()];
    const { state, events, position } = await one.execute('a.b..c', add(2), cause);
    expect({ state, events, now: one.get('a.b..c').state }).toEqual({ state: { count: 2 }, events: [{ type: 'Added', by: 2 }], now: { count: 2 } });
    await other.waitFor(position);
    expect([...other.entries()]).toEqual([['a.b..c', { count: 2 }]]);
    expect(other.get('a.b..c').head.sequence).toBe(position);
    expect(other.get('none')).toEqual({ state: { count: 0 }, head: noHead });
  });

  test('what is forgotten before the following comes to it stays forgotten', async () => {
    const { start } = await setup();
    const one = await start();
    const { position } = await one.execute('a', add(2), cause);
    one.forget('a');
    await one.waitFor(position);
    expect([...one.entries()]).toEqual([]);
    expect(await one.load('a')).toEqual({ count: 2 });
  });

  test('commands to one aggregate queue', async () => {
    const { start } = await setup();
    const one = await start();
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => one.execute('a', add(1, 10), cause)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(one.get('a').state).toEqual({ count: 10 });
  });

  test('what nobody waits for becomes one commit with what comes to the aggregate for the same cause, and is not overtaken by anything else', async () => {
    const { start } = await setup();
    const one = await start();
    const told: Event[][] = [];
    one.onCommit((_id, { events }) => told.push([...events]));
    const [first, second] = [one.executeSoon('a', add(2), cause, 60_000), one.execute('a', add(3), cause)];
    expect([await first, await second].map(({ events, state }) => [events, state])).toEqual([[[add2], { count: 5 }], [[{ type: 'Added', by: 3 }], { count: 5 }]]);
    const [third, other] = [one.executeSoon('a', add(1), cause, 60_000), one.execute('a', { type: 'Clear' }, { ...cause })];
    await Promise.all([third, other]);
    const keyed: Cause = { ...cause, idempotencyKey: 'key' };
    const [fourth, fifth] = [one.executeSoon('a', add(4), keyed, 60_000), one.execute('a', { type: 'Clear' }, keyed)];
    await Promise.all([fourth, fifth]);
    await one.executeSoon('a', add(6), cause, 1);
    expect(told).toEqual([[add2, { type: 'Added', by: 3 }], [{ type: 'Added', by: 1 }], [{ type: 'Cleared' }], [{ type: 'Added', by: 4 }], [{ type: 'Cleared' }], [{ type: 'Added', by: 6 }]]);
  });

  test('of commands in one commit each sees what those before it did, and one that is refused takes the others with it', async () => {
    const { start } = await setup();
    const one = await start();
    const refused = await Promise.allSettled([one.executeSoon('a', add(2), cause, 60_000), one.execute('a', add(3, 4), cause)]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(one.get('a').state).toEqual({ count: 0 });
    const [added, cleared] = await Promise.all([one.executeSoon('a', add(2), cause, 60_000), one.execute('a', { type: 'Clear' }, cause)]);
    expect([added.events, cleared.events, one.get('a').state]).toEqual([[add2], [{ type: 'Cleared' }], { count: 0 }]);
  });

  test('two writers of one aggregate both come through, and both tell each commit once and in order', async () => {
    const { start } = await setup();
    const [one, other] = [await start(), await start()];
    const told: [Commit[], Commit[]] = [[], []];
    one.onCommit((_id, commit) => told[0].push(commit));
    other.onCommit((_id, commit) => told[1].push(commit));
    for (let n = 0; n < 20; n++) await Promise.all([one.execute('a', add(1), cause), other.execute('a', add(1), cause)]);
    const last = Math.max(one.get('a').head.sequence, other.get('a').head.sequence);
    await Promise.all([one.waitFor(last), other.waitFor(last)]);
    for (const commits of told) {
      expect(commits).toHaveLength(40);
      expect(commits.map(({ position }) => position)).toEqual(commits.map(({ position }) => position).toSorted((a, b) => a - b));
    }
    expect([one.get('a').state, other.get('a').state]).toEqual([{ count: 40 }, { count: 40 }]);
  });

  test('a dry run says what would happen', async () => {
    const { start, store, kind } = await setup();
    const one = await start();
    const before = await store.lastPosition();
    const planned: PlannedEvent[] = [];
    expect(await one.execute('a', add(2), { ...cause, planned })).toEqual({ state: { count: 0 }, events: [{ type: 'Added', by: 2 }], position: 0 });
    expect(planned).toEqual([{ subject: `berth.event.${kind}.a`, type: 'Added', data: { by: 2 } }]);
    expect(await one.execute('a', add(0), cause)).toEqual({ state: { count: 0 }, events: [], position: 0 });
    expect(await store.lastPosition()).toBe(before);
  });

  test('a command repeated with its idempotency key is done once, by another process too', async () => {
    const { start, store } = await setup();
    const keyed = { ...cause, idempotencyKey: 'key-1' };
    const one = await start();
    const [first, again] = await Promise.all([one.execute('a', add(2), keyed), one.execute('a', add(2), keyed)]);
    expect(again).toEqual({ ...first, repeated: true });
    await one.execute('a', add(1), cause);
    const other = await start();
    store.read = () => Promise.reject(new Error('a long life is too much to hold'));
    expect(await other.wasDone('a', 'Add', 'key-1')).toBe(true);
    expect(await other.wasDone('a', 'Add', 'key-2')).toBe(false);
    expect(await other.doneBefore('a', 'Add', 'key-1')).toEqual({ events: first.events, position: first.position });
    expect([await other.firstAfter('a', first.position, () => true), await other.firstAfter('a', first.position, ({ type }) => type === 'Cleared')]).toEqual([{ type: 'Added', by: 1 }, undefined]);
    expect(await other.execute('a', add(2), keyed)).toMatchObject({ position: first.position, events: first.events, repeated: true });
    expect(other.get('a').state).toEqual({ count: 3 });
  });

  test('what is gone is dropped, and may come again', async () => {
    const { start } = await setup();
    const one = await start({ isGone: ({ count }) => count === 0 });
    const told: number[] = [];
    one.onCommit((_id, { position }) => told.push(position));
    await one.execute('a', add(2), cause);
    const { position } = await one.execute('a', { type: 'Clear' }, cause);
    expect([...one.entries()]).toEqual([]);
    await one.waitFor(position);
    expect(one.get('a').head).toEqual(noHead);
    const again = await one.execute('a', add(5), cause);
    expect(again.state).toEqual({ count: 5 });
    await one.waitFor(again.position);
    expect(told).toHaveLength(3);
    expect([...one.entries()]).toEqual([['a', { count: 5 }]]);
  });

  test('of those that may return the last are kept: the log has nothing to refuse, and is not read', async () => {
    const { start, store } = await setup();
    const one = await start({ isGone: ({ count }) => count === 0, mayReturn: 2 });
    const read = vi.spyOn(store, 'replay');
    const goes = async (id: string): Promise<void> => {
      await one.execute(id, add(2), cause);
      await one.waitFor((await one.execute(id, { type: 'Clear' }, cause)).position);
    };
    for (const id of ['a', 'b', 'c']) await goes(id);
    expect([one.get('c').head, [...one.entries()]]).toEqual([noHead, []]);
    for (const id of ['b', 'c', 'b']) await goes(id);
    expect(read).not.toHaveBeenCalled();
    expect((await one.execute('a', add(5), cause)).state).toEqual({ count: 5 });
    expect(read).toHaveBeenCalledOnce();
  });

  test('one that may return and was changed by somebody else meanwhile is read again', async () => {
    const { start } = await setup();
    const gone = { isGone: ({ count }: Counter) => count === 0, mayReturn: 2 };
    const [one, other] = [await start(gone), await start(gone)];
    await one.execute('a', add(2), cause);
    await one.waitFor((await one.execute('a', { type: 'Clear' }, cause)).position);
    await other.execute('a', add(1), cause);
    expect((await one.execute('a', add(5), cause)).state).toEqual({ count: 6 });
  });

  test('listeners hear the replay, as such', async () => {
    const { start, store, kind } = await setup();
    await (await start()).execute('a', add(2), cause);
    const late = new Aggregates(store, kind, counter, { source: 's' });
    closing.push(() => late.stop());
    const told: unknown[] = [];
    late.onCommit((id, { events, hash }, state, live) => told.push([id, events.length, hash.length, state, live]));
    await late.start();
    await late.execute('a', add(1), cause);
    expect(told).toEqual([['a', 1, 66, { count: 2 }, false], ['a', 1, 66, { count: 3 }, true]]);
  });

  test('a commit that no command here was answered with is told as such, once: its acknowledgement was lost, or it is another\'s', async () => {
    const { start } = await setup();
    const [one, other] = [await start(), await start()];
    const told: unknown[] = [];
    one.onUnanswered((id, { events, position }) => told.push({ id, events, position }));
    await one.execute('a', add(1), cause);
    armFailpoints('append.after@1=error');
    await expect(one.execute('a', add(2), { ...cause, idempotencyKey: 'k' })).rejects.toMatchObject({ kind: 'unavailable' }).finally(() => armFailpoints(undefined));
    const again = await one.execute('a', add(2), { ...cause, idempotencyKey: 'k' });
    expect(again).toMatchObject({ events: [add2], repeated: true });
    const { position } = await other.execute('b', add(2), cause);
    await one.waitFor(position);
    await one.execute('a', add(3), cause);
    expect(told).toEqual([{ id: 'a', events: [add2], position: again.position }, { id: 'b', events: [add2], position }]);
  });

  test('what an older version wrote is lifted before it is folded, told or given again', async () => {
    const { start, store, kind } = await setup();
    const old = { type: 'Added', amount: 2 };
    await store.append(`berth.event.${kind}.a`, noHead, [old], { ...cause, idempotencyKey: 'key' }, { id: idOfKey('key', 'Add', `berth.event.${kind}.a`) });
    const upcast = upcaster({ Added: [({ type, ...event }) => ({ type, by: (event as { amount?: number }).amount ?? Number.NaN })] });
    const one = await start({ upcast });
    expect(one.get('a').state).toEqual({ count: 2 });
    expect((await one.execute('a', add(9), { ...cause, idempotencyKey: 'key' })).events).toEqual([{ type: 'Added', by: 2, v: 2 }]);
  });

  test('starts from a snapshot, and without one that is torn, altered or ahead of the log', async () => {
    const { start } = await setup();
    const folder = await mkdtemp(join(tmpdir(), 'berth-snapshot-'));
    closing.push(() => rm(folder, { recursive: true }));
    const snapshot = { path: join(folder, 'counter'), fold: '1' };
    const one = await start({ snapshot });
    for (const id of ['a', 'b']) await one.waitFor((await one.execute(id, add(2), cause)).position);
    await one.saveSnapshot();
    await one.stop();
    const thawed = async (path = snapshot.path): Promise<number> => {
      let count = 0;
      const late = await start({ snapshot: { path, fold: '1', thaw: (frozen) => (count++, frozen as Counter) } });
      expect([...late.entries()]).toEqual([['a', { count: 2 }], ['b', { count: 2 }]]);
      await late.execute('a', add(1), cause);
      await late.execute('a', add(-1), cause);
      return count;
    };
    expect(await thawed()).toBe(2);
    const bytes = await readFile(snapshot.path);
    const variants = {
      torn: bytes.subarray(0, -3),
      altered: Buffer.from(bytes.toString().replace('"count":2', '"count":7')),
      ahead: Buffer.from(bytes.toString().replace(/"position":\d+/, '"position":999999')),
      empty: Buffer.alloc(0),
    };
    for (const [name, content] of Object.entries(variants)) {
      await writeFile(join(folder, name), content);
      expect(await thawed(join(folder, name)), name).toBe(0);
    }
  });
});

test('a command decides on what somebody else appended first', async () => {
  const store = new MemoryEventStore();
  const one = new Aggregates(store, 'counter', counter, { source: 's' });
  await one.start();
  await store.append('berth.event.counter.a', noHead, [{ type: 'Added', by: 5 }], cause);
  expect((await one.execute('a', add(1, 6), cause)).state).toEqual({ count: 6 });
  await expect(one.execute('a', add(1, 6), cause)).rejects.toMatchObject({ kind: 'conflict' });
  await one.stop();
});
