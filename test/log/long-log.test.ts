import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCommit } from '#libs/event-store/commit-format.js';
import { type Commit, noHead } from '#libs/event-store/event.js';
import { connectEventStore, type JetStreamEventStore } from '#libs/event-store/jetstream-event-store.js';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { EventFeed } from '../../services/gateway/application/event-feed.js';
import { LogReading } from '../../services/gateway/application/log-reading.js';
import { historyOf } from './container-histories.js';
import { EventFolds } from './event-folds.js';

/** `npm run test:million` makes it a million; the whole suite has a part of that. */
const EVENTS = Number(process.env['TEST_LOG_EVENTS'] ?? 30_000);
const PRESENT = 200;

let server: TestNatsServer;
let folder: string;
beforeAll(async () => {
  server = await TestNatsServer.start({ relaxedSync: true });
  folder = await mkdtemp(join(tmpdir(), 'berth-long-log-'));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Appends without waiting for each acknowledgement: only the count is checked. */
async function write(histories: Iterable<ReturnType<typeof historyOf>>): Promise<void> {
  const store = await connectEventStore({ servers: server.url, source: 'test', name: 'write' });
  const connection = await connect({ servers: server.url });
  let position = await store.lastPosition();
  const heads = new Map<string, string>();
  for (const history of histories) {
    for (const { subject, event } of history) {
      position++;
      const expected = { sequence: 1, hash: heads.get(subject) ?? '' };
      const { headers: written, body, commit } = encodeCommit({ subject, id: `id${position}`, time: new Date(), source: 'test', cause: { correlationId: 'c', causationId: 'c', actor: 'test' }, expected: expected.hash === '' ? noHead : expected, events: [event] });
      heads.set(subject, commit.hash);
      const message = headers();
      for (const [name, value] of written) message.set(name, value);
      connection.publish(subject, body, { headers: message });
      if (position % 1_000 === 0) await connection.flush();
      // The server queues what its disk has not taken yet, to a bound.
      if (position % 20_000 === 0) while ((await store.lastPosition()) < position - 5_000);
    }
  }
  await connection.flush();
  while ((await store.lastPosition()) < position);
  await connection.close();
  await store.close();
}

/** Starts every fold on the log; `read` counts the commits that they were given, `seconds` is what it took. */
async function start(): Promise<{ folds: EventFolds; store: JetStreamEventStore; read: number; seconds: number }> {
  const store = await connectEventStore({ servers: server.url, source: 'test', name: 'start' });
  let read = 0;
  const follow = store.follow.bind(store);
  store.follow = (filters, after, onCommit) => follow(filters, after, (commit: Commit) => (read++, onCommit(commit)));
  const folds = new EventFolds(store, folder);
  const begun = performance.now();
  await folds.start();
  return { folds, store, read, seconds: (performance.now() - begun) / 1000 };
}

/** Questions about one container, and about one time, read a chapter of the log at the most, however long it is. */
async function answers({ folds: { chronicle }, store }: Awaited<ReturnType<typeof start>>): Promise<void> {
  const reading = new LogReading(store, chronicle);
  const feed = new EventFeed(store, chronicle);
  let read = 0;
  const [replay, follow, commitAt] = [store.replay.bind(store), store.follow.bind(store), store.commitAt.bind(store)];
  store.replay = (filters, after, onCommit, to) => replay(filters, after, (commit) => (read++, onCommit(commit)), to);
  store.follow = (filters, after, onCommit) => follow(filters, after, (commit) => (read++, onCommit(commit)));
  store.commitAt = (position) => (read++, commitAt(position));
  const { signal: gone } = new AbortController();
  const middle = Date.parse((await commitAt(Math.floor(EVENTS / 2)))!.time);
  const late = new Date(Date.UTC(2026, 0, 1) + (EVENTS / 18 - 50) * 1_000).toISOString();
  const questions: readonly (readonly [what: string, most: number, ask: () => Promise<unknown>])[] = [
    ['what there was half way', 12_000, () => reading.at(middle)],
    ['why, of one that is there', 0, () => reading.containerNow('container-0', gone)],
    ['history of one that is there', 50, async () => Array.fromAsync((await reading.history('container-0', gone)).pieces)],
    ['history of one that is gone', 50, async () => Array.fromAsync((await reading.history('container-7', gone)).pieces)],
    ['why, of one that is gone', 50, () => reading.containerNow((7).toString(16).padStart(64, '0'), gone)],
    ['events since a while ago', 24_000, () => feed.subscribe({ since: late, until: new Date().toISOString() }, { take: () => undefined, ready: () => Promise.resolve(), gone })],
  ];
  for (const [what, most, ask] of questions) {
    read = 0;
    const begun = performance.now();
    await ask();
    console.log(`${what}: ${(performance.now() - begun).toFixed(1)} ms, ${read} commits read`);
    expect(read, what).toBeLessThanOrEqual(most);
  }
}

const ids = (folds: EventFolds): string[] => folds.containers.directory.all().map(({ spec }) => spec.id);

test(`a start on a log of ${EVENTS} events reads what is newer than the snapshots alone, and finds the same state`, async () => {
  const containers = Math.ceil(EVENTS / 18);
  await write((function* () {
    for (let n = 0; n < containers; n++) yield historyOf(n, { stays: n % Math.floor(containers / PRESENT) === 0 });
  })());
  const first = await start();
  expect(first.read).toBeGreaterThan(EVENTS);
  expect(ids(first.folds).length).toBeGreaterThanOrEqual(PRESENT);
  await first.folds.stop();
  await first.store.close();

  await write([historyOf(containers, { stays: true })]);
  const second = await start();
  console.log(`${EVENTS} events: ${first.seconds.toFixed(1)} s from the log (${first.read} commits given to folds), ${second.seconds.toFixed(2)} s from snapshots (${second.read} commits)`);
  expect(second.read).toBeLessThan(100);
  expect(second.seconds).toBeLessThan(10);
  await answers(second);
  const [newest] = second.folds.containers.directory.all().slice(-1);
  expect([...ids(first.folds), newest?.spec.id]).toEqual(ids(second.folds));
  await second.folds.stop();
  await second.store.close();
}, 1_200_000);
