import { readdirSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager, StorageType } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noHead, type Cause, type Commit } from './event.js';
import { connectEventStore, type JetStreamEventStore } from './jetstream-event-store.js';
import { LogFeed } from './log-feed.js';
import { eventStoreSuite } from './testing/event-store-suite.js';
import { TestNatsServer } from './testing/nats-server.js';

const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
const happened = (n: number): { type: string; n: number } => ({ type: 'Happened', n });

let server: TestNatsServer;
const open = (): Promise<JetStreamEventStore> => connectEventStore({ servers: server.url, source: '/berth/test', name: 'test' });
beforeAll(async () => {
  server = await TestNatsServer.start();
});
afterAll(() => server.stop());

eventStoreSuite('JetStream event store', () => open());

describe('followed in rounds', () => {
  let own: TestNatsServer;
  let feed: LogFeed;
  const inRounds = (): Promise<JetStreamEventStore> => connectEventStore({ servers: own.url, source: '/berth/test', name: 'test' }, feed);
  beforeAll(async () => {
    own = await TestNatsServer.start();
    feed = await LogFeed.connectInRounds({ servers: own.url, name: 'rounds' }, 200);
  });
  afterAll(async () => {
    await feed.close();
    await own.stop();
  });

  eventStoreSuite('JetStream event store', () => inRounds());

  test('what was appended comes with the next round, or at once to who waits for it', async () => {
    const store = await inRounds();
    const came = Promise.withResolvers<number>();
    const following = await store.follow(['berth.event.rounds.>'], await store.lastPosition(), (commit) => came.resolve(commit.position));
    const first = await store.append('berth.event.rounds.1', noHead, [happened(1)], cause);
    expect(await came.promise).toBe(first.position);
    const more = await Promise.all(Array.from({ length: 50 }, (_, n) => store.append(`berth.event.rounds.of-${n}`, noHead, [happened(n)], cause)));
    const last = Math.max(...more.map(({ position }) => position));
    await following.waitFor(last);
    expect(following.position).toBeGreaterThanOrEqual(last);
    await store.close();
  });
});

test('stores that share a feed follow and stop each for itself', async () => {
  const feed = await LogFeed.connect({ servers: server.url, name: 'shared' });
  const connect = (source: string): Promise<JetStreamEventStore> => connectEventStore({ servers: server.url, source, name: source }, feed);
  const [one, other] = await Promise.all([connect('one'), connect('other')]);
  const seen: Commit[][] = [[], []];
  const followed = await one.follow(['berth.event.shared.>'], 0, (commit) => seen[0]?.push(commit));
  const first = await other.append('berth.event.shared.1', noHead, [happened(1)], cause);
  await followed.waitFor(first.position);
  const following = await other.follow(['berth.event.shared.>'], 0, (commit) => seen[1]?.push(commit));
  await one.close();
  expect(await followed.ended).toBeUndefined();
  const second = await other.append('berth.event.shared.1', { sequence: first.position, hash: first.hash }, [happened(2)], cause);
  await following.waitFor(second.position);
  expect(seen.map((commits) => commits.map(({ position }) => position))).toEqual([[first.position], [first.position, second.position]]);
  expect(other.followedTo).toBeGreaterThanOrEqual(second.position);
  await other.close();
  await feed.close();
});

test('who follows leaves nothing on the server\'s disk, where each of his steps would cost a sync', async () => {
  const store = await open();
  const following = await store.follow(['berth.event.unwritten.>'], 0, () => undefined);
  const { position } = await store.append('berth.event.unwritten.1', noHead, [happened(1)], cause);
  await following.waitFor(position);
  expect(readdirSync(`${server.dataFolder}/jetstream/$G/streams/BERTH/obs`)).toEqual([]);
  await store.close();
});

test.each([['as it comes', () => LogFeed.connect({ servers: server.url, name: 'tail' })], ['in rounds', () => LogFeed.connectInRounds({ servers: server.url, name: 'rounds' }, 200)]])('a following of the log %s, and an append, outlive a crash of the server', async (how, connect) => {
  const feed = await connect();
  const store = await connectEventStore({ servers: server.url, source: '/berth/test', name: 'test' }, feed);
  const kind = `crash-${how.replaceAll(' ', '-')}`;
  const seen: number[] = [];
  const following = await store.follow([`berth.event.${kind}.>`], 0, (commit) => seen.push((commit.events[0] as { n?: number }).n ?? -1));
  let head = noHead;
  const write = async (n: number): Promise<void> => {
    const { position, hash } = await store.append(`berth.event.${kind}.1`, head, [happened(n)], cause);
    head = { sequence: position, hash };
  };
  for (let n = 0; n < 10; n++) await write(n);
  await server.kill();
  const during = write(10);
  await server.run();
  await during;
  for (let n = 11; n < 20; n++) await write(n);
  await following.waitFor(head.sequence);
  expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  await store.close();
  expect(await following.ended).toBeUndefined();
  await feed.close();
}, 30_000);

test.each(['x', 'é'])('a commit too large for the log is the fault of the request (%s)', async (letter) => {
  const store = await open();
  // More than the server's megabyte in bytes; of é it is fewer letters than that.
  const text = letter.repeat(letter === 'x' ? 2_000_000 : 600_000);
  await expect(store.append('berth.event.large.1', noHead, [{ type: 'Large', text } as { type: string }], cause)).rejects.toMatchObject({ kind: 'invalid' });
  await store.close();
});

test('no server is unavailable', async () => {
  await expect(connectEventStore({ servers: 'nats://127.0.0.1:1', source: 's', name: 'test' })).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a stream that would forget is refused', async () => {
  const connection = await connect({ servers: server.url });
  await (await jetstreamManager(connection)).streams.add({ name: 'FORGETS', subjects: ['elsewhere.>'], storage: StorageType.Memory });
  await connection.close();
  await expect(connectEventStore({ servers: server.url, source: 's', name: 'test', stream: 'FORGETS' })).rejects.toThrow(/storage is memory/);
});
