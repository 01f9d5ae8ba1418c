import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { Aggregates } from './aggregates.js';
import type { Decider } from './decider.js';
import { encodeCommit } from './commit-format.js';
import { type Cause, type Commit, type Head, noHead } from './event.js';
import { connectEventStore, type JetStreamEventStore } from './jetstream-event-store.js';
import { commitsAreSynced } from './log-checks.js';
import { endsSomething, LogReserve } from './log-reserve.js';
import { syncWarning } from './server-checks.js';
import { TestNatsServer } from './testing/nats-server.js';
import { verifyChain } from './verify-chain.js';

const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
const open = (server: TestNatsServer): Promise<JetStreamEventStore> => connectEventStore({ servers: server.url, source: 'test', name: 'test' });

type Added = { readonly type: 'Added'; readonly text: string };
const counter: Decider<number, { readonly type: 'Add'; readonly text: string }, Added> = {
  initialState: 0,
  decide: ({ text }) => [{ type: 'Added', text }],
  evolve: (count) => count + 1,
};
const counters = (store: JetStreamEventStore, snapshot?: string): Aggregates<number, { readonly type: 'Add'; readonly text: string }, Added> =>
  new Aggregates(store, 'counter', counter, { source: 'test', ...(snapshot ? { snapshot: { path: snapshot, fold: '1' } } : {}) });

test('a server killed in the middle of writes has all that it acknowledged, and the log goes on', async () => {
  const server = await TestNatsServer.start();
  const store = await open(server);
  const acknowledged = new Map<string, number>();
  let goOn = true;
  const writers = Array.from({ length: 8 }, async (_, n) => {
    const one = counters(store);
    await one.start();
    for (let count = 1; goOn; count++) {
      await one.execute(`c${n}`, { type: 'Add', text: 'x'.repeat(2_000) }, cause);
      acknowledged.set(`c${n}`, count);
    }
    await one.stop();
  });
  for (let round = 0; round < 2; round++) {
    const before = await store.lastPosition();
    await expect.poll(() => store.lastPosition(), { timeout: 10_000 }).toBeGreaterThan(before + 100);
    await server.kill();
    await server.run();
  }
  goOn = false;
  await Promise.all(writers);
  const after = counters(store);
  await after.start();
  for (const [id, count] of acknowledged) expect(after.get(id).state, id).toBe(count);
  expect((await verifyChain(store)).broken).toEqual([]);
  await after.stop();
  await store.close();
  await server.stop();
}, 60_000);

test('a log whose end was torn off starts, without its lost end, and a snapshot that knew more is left aside', async () => {
  const server = await TestNatsServer.start();
  const folder = mkdtempSync(join(tmpdir(), 'berth-torn-'));
  const snapshot = join(folder, 'counter');
  const store = await open(server);
  const before = counters(store, snapshot);
  await before.start();
  for (let n = 0; n < 20; n++) await before.execute('a', { type: 'Add', text: 'x'.repeat(500) }, cause);
  await before.waitFor(20);
  await before.saveSnapshot();
  await before.stop();
  await store.close();
  await server.kill();
  const blocks = join(server.dataFolder, 'jetstream/$G/streams/BERTH/msgs');
  const [block] = readdirSync(blocks).filter((name) => name.endsWith('.blk'));
  truncateSync(join(blocks, block!), statSync(join(blocks, block!)).size - 300);
  // The server trusts its index over the block where there is one.
  for (const name of readdirSync(blocks)) if (!name.endsWith('.blk')) rmSync(join(blocks, name));
  await server.run();

  const again = await open(server);
  const last = await again.lastPosition();
  expect(last).toBeLessThan(20);
  expect(last).toBeGreaterThan(0);
  const after = counters(again, snapshot);
  await after.start();
  expect(after.get('a').state).toBe(last);
  await after.execute('a', { type: 'Add', text: '' }, cause);
  expect(after.get('a').state).toBe(last + 1);
  expect((await verifyChain(again)).broken).toEqual([]);
  await after.stop();
  await again.close();
  await server.stop();
  rmSync(folder, { recursive: true });
}, 30_000);

test('a full disk refuses a change plainly, and takes the next one when there is space', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  const server = await TestNatsServer.start({ dataFolder: folder, maxFileStore: 2 ** 36 });
  try {
    const store = await open(server);
    const one = counters(store);
    await one.start();
    let written = 0;
    const fill = async (): Promise<void> => {
      for (;;) {
        await one.execute('a', { type: 'Add', text: incompressible(200_000) }, cause);
        written++;
      }
    };
    await expect(fill()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringMatching(/^the log is full, nothing was changed: free space .*no space left on device/) });
    expect(one.get('a').state).toBe(written);
    execFileSync('mount', ['-o', 'remount,size=16m', folder]);
    await one.execute('a', { type: 'Add', text: 'again' }, cause);
    await one.stop();
    await store.close();
    await server.kill();
    await server.run();
    const later = await open(server);
    expect(await verifyChain(later)).toMatchObject({ commits: written + 1, broken: [] });
    await later.close();
  } finally {
    await server.stop();
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test('on a full disk what gives room back is done from a reserve, and what begins is refused until there is room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-reserve-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder]);
  const server = await TestNatsServer.start({ dataFolder: join(folder, 'nats'), maxFileStore: 2 ** 36 });
  try {
    const connected = (): Promise<JetStreamEventStore> => connectEventStore({ servers: server.url, source: 'test', name: 'test', reserve: LogReserve.in(folder, { dataRoot: folder, natsEmbedded: true }) });
    let store = await connected();
    const append = (type: string): Promise<Commit> => store.append(`berth.event.counter.${randomUUID()}`, noHead, [{ type }], cause);
    fillUp(join(folder, 'filler'));
    for (const ended of [append('ContainerCreated'), append('TaskRequested')]) await expect(ended).rejects.toThrow(/^the log is full, nothing was changed: free space .*no space left on device/);
    for (const type of ['RemoveRequested', 'TaskExited', 'EndpointReleased', 'ContainerRemoved', 'ImageUntagged']) await append(type);
    await expect(append('ContainerCreated')).rejects.toThrow(/^the log is full, nothing was changed: free space /);
    await store.close();
    store = await connected();
    await append('VolumeRemoved');
    await expect(append('ContainerCreated')).rejects.toThrow(/^the log is full, nothing was changed: free space /);
    rmSync(join(folder, 'filler'));
    await append('ContainerCreated');
    fillUp(join(folder, 'filler'));
    await append('ContainerRemoved'); // the reserve was there again
    await store.close();
  } finally {
    await server.stop();
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
}, 60_000);

test('a reserve that was half written is made whole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-reserve-'));
  try {
    mkdirSync(join(folder, 'nats'));
    writeFileSync(join(folder, 'log-reserve'), 'half');
    LogReserve.in(folder, { dataRoot: folder, natsEmbedded: true })?.close();
    expect(statSync(join(folder, 'log-reserve')).size).toBe(2 ** 20);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function fillUp(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

test('which events end something, and may have the reserve', () => {
  const contracts = fileURLToPath(new URL('../../../contracts', import.meta.url));
  const sources = readdirSync(contracts, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(join(contracts, name), 'utf8'));
  const types = new Set(sources.flatMap((text) => Array.from(text.matchAll(/readonly type: '([A-Z]\w+)'/g), ([, type = '']) => type)));
  expect([...types].filter((type) => endsSomething([{ type }])).toSorted()).toEqual(['CommitFailed', 'ContainerDiscarded', 'ContainerExited', 'ContainerPaused', 'ContainerRemoved', 'ContainerStarted', 'ContainerUnpaused', 'ContainerUnprotected', 'EditFailed', 'EndpointReleased', 'ExecExited', 'ExecStartFailed', 'ExecStarted', 'ImageRemoved', 'ImageUntagged', 'KillRequested', 'LinkRemoved', 'NameReleased', 'PauseFailed', 'Pruned', 'RemoveRequested', 'RestoreFailed', 'SignalRequested', 'StartFailed', 'StopFailed', 'StopRequested', 'TaskExited', 'TaskFailed', 'TaskStarted', 'UpdateFailed', 'VolumeRemoved']);
});

test('below the limit of a log what ends something has room that all stores leave to it, until that is used up too', async () => {
  const limit = 4 << 20;
  const server = await TestNatsServer.start({ maxFileStore: limit });
  const connected = (): Promise<JetStreamEventStore> => connectEventStore({ servers: server.url, source: 'test', name: 'test', limit });
  const stores = [await connected(), await connected()] as const;
  const append = (store: JetStreamEventStore, type: string): Promise<Commit> => store.append(`berth.event.counter.${randomUUID()}`, noHead, [{ type, text: incompressible(100_000) } as Added], cause);
  const fill = async (type: string): Promise<void> => {
    for (let count = 0; ; count++) await append(stores[count % 2]!, type);
  };
  const reserved = /^the log is full, nothing was changed: raise .*BERTH_LOG_LIMIT.* \(what is left is for what stops and removes\)$/;
  await expect(fill('ContainerCreated')).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringMatching(reserved) });
  const { bytes } = await stores[0].size();
  expect(limit - bytes).toBeGreaterThan(limit / 8 - 110_000); // a commit may reach into it
  for (const type of ['StopRequested', 'TaskExited', 'ContainerRemoved']) await append(stores[1], type);
  for (const store of stores) await expect(append(store, 'TaskRequested')).rejects.toThrow(reserved);
  await expect(fill('TaskExited')).rejects.toThrow(/^the log is full, nothing was changed: raise .*BERTH_LOG_LIMIT/);
  expect((await stores[0].size()).bytes).toBeGreaterThan(limit - 110_000);
  for (const store of stores) await store.close();
  await server.stop();
}, 60_000);

test('a log at its limit refuses a change plainly, and tells what gives it more', async () => {
  const server = await TestNatsServer.start({ maxFileStore: 2 << 20 });
  const store = await open(server);
  const one = counters(store);
  await one.start();
  const fill = async (): Promise<void> => {
    for (;;) await one.execute('a', { type: 'Add', text: incompressible(200_000) }, cause);
  };
  await expect(fill()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringMatching(/^the log is full, nothing was changed: .*BERTH_LOG_LIMIT/) });
  await one.stop();
  await store.close();
  await server.stop();
}, 60_000);

function incompressible(length: number): string {
  let text = '';
  while (text.length < length) text += Math.random().toString(36).slice(2);
  return text;
}

test('a clock set back an hour changes no order, and nothing is lost or decided again', async () => {
  const server = await TestNatsServer.start();
  const store = await open(server);
  const noon = Date.UTC(2026, 0, 1, 12);
  let head: Head = noHead;
  for (const [n, hours] of [0, 1, 0, 0.5].entries()) {
    const commit: Commit = await store.append('berth.event.counter.a', head, [{ type: 'Added', text: String(n) } as Added], cause, { time: new Date(noon + hours * 3_600_000) });
    head = { sequence: commit.position, hash: commit.hash };
  }
  const commits = await store.read('berth.event.counter.a');
  expect(commits.map(({ events }) => (events[0] as Added).text)).toEqual(['0', '1', '2', '3']);
  expect(commits.map(({ time }) => Date.parse(time) - noon)).toEqual([0, 3_600_000, 0, 1_800_000]);
  const one = counters(store);
  await one.start();
  expect(one.get('a').state).toBe(4);
  await one.stop();
  expect((await verifyChain(store)).broken).toEqual([]);
  await store.close();
  await server.stop();
});

test.each(['2.9.25', '2.10.22', '2.10.7-beta'])('a server of version %s is refused, and told why', async (version) => {
  const server = await talkingNats(version);
  await expect(connectEventStore({ servers: `127.0.0.1:${(server.address() as AddressInfo).port}`, source: 's', name: 't' })).rejects.toThrow(`nats-server ${version} can lose the log in a crash: 2.10.23 or newer is needed`);
  await new Promise((done) => server.close(done));
});

/** A server that greets and answers pings. */
function talkingNats(version: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`INFO ${JSON.stringify({ server_id: 'S', version, proto: 1, headers: true, max_payload: 1_000_000 })}\r\n`);
    socket.on('data', (bytes) => void (String(bytes).includes('PING') && socket.write('PONG\r\n')));
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

test('a stream that is there with settings that lose or refuse events is refused by name', async () => {
  const server = await TestNatsServer.start();
  const connection = await connect({ servers: server.url });
  const { streams } = await jetstreamManager(connection);
  const wrong: readonly (readonly [Partial<StreamConfig>, RegExp])[] = [
    [{ storage: 'memory' as never }, /storage is memory, not file/],
    [{ max_age: 3_600_000_000_000 }, /max_age is 3600000000000, not 0/],
    [{ max_msgs_per_subject: 1 }, /max_msgs_per_subject is 1/],
    [{ max_bytes: 1_000_000 }, /max_bytes is 1000000/],
    [{ retention: 'interest' as never }, /retention is interest/],
    [{ discard: 'old' as never }, /discard is old/],
    [{ no_ack: true }, /it acknowledges nothing/],
    [{ subjects: ['berth.event.container.>'] }, /its subjects are berth\.event\.container\.>/],
  ];
  for (const [settings, said] of wrong) {
    // The server removes a deleted stream's folder in its own time, and refuses a new one of that name until then.
    await expect.poll(() => streams.add({ name: 'BERTH', subjects: ['berth.event.>'], discard: 'new' as never, ...settings }).then(() => 'made', String)).toBe('made');
    await expect(open(server), String(said)).rejects.toThrow(said);
    await streams.delete('BERTH');
  }
  await connection.close();
  await server.stop();
});

test('a server that does not sync each commit, or does not say, is warned of', async () => {
  const monitor = createHttpServer((request, answer) => answer.end(JSON.stringify({ jetstream: { config: request.headers['host']?.startsWith('localhost') ? { sync_interval: 120e9 } : { sync_always: true } } })));
  await new Promise<void>((resolve) => monitor.listen(0, '127.0.0.1', resolve));
  const { port } = monitor.address() as AddressInfo;
  expect(await syncWarning(`http://127.0.0.1:${port}`)).toBeUndefined();
  expect(await syncWarning(`http://localhost:${port}`)).toMatch(/only every 120 s.*sync_interval: always/);
  expect(await syncWarning(undefined)).toMatch(/cannot be seen: BERTH_NATS_MONITOR/);
  expect(await syncWarning('http://127.0.0.1:1')).toMatch(/does not answer/);
  await new Promise((done) => monitor.close(done));
});

test('whether a server syncs is a remark that nobody waits for, and each finding is warned of once', async () => {
  let answers: object = { sync_interval: 120e9 };
  const monitor = createHttpServer((_request, answer) => answer.end(JSON.stringify({ jetstream: { config: answers } })));
  await new Promise<void>((resolve) => monitor.listen(0, '127.0.0.1', resolve));
  const said: string[] = [];
  const now = vi.spyOn(performance, 'now').mockReturnValue(1);
  const check = commitsAreSynced(`http://127.0.0.1:${(monitor.address() as AddressInfo).port}`, (warning) => said.push(warning));
  expect(check()).toBeUndefined();
  await expect.poll(check).toMatch(/only every 120 s/);
  now.mockReturnValue(61_000);
  expect(check()).toMatch(/only every 120 s/);
  answers = { sync_always: true };
  now.mockReturnValue(130_000);
  await expect.poll(check).toBeUndefined();
  expect(said).toEqual([expect.stringMatching(/only every 120 s/)]);
  now.mockRestore();
  await new Promise((done) => monitor.close(done));
});

test('a log whose newest commits somebody took away is read by nobody, who would wait for them, and says so', async () => {
  const server = await TestNatsServer.start();
  const connection = await connect({ servers: server.url });
  const { streams } = await jetstreamManager(connection);
  await streams.add({ name: 'BERTH', subjects: ['berth.event.>'], discard: 'new' as never, deny_delete: false, deny_purge: false });
  const store = await open(server);
  const missing = { kind: 'internal', message: expect.stringMatching(/^the newest commits of the log are missing: position \d was taken off the stream BERTH/) };
  const readings = (): Promise<unknown>[] => [store.replay(['berth.event.>'], 0, () => undefined), store.follow(['berth.event.counter.*'], 0, () => undefined).then((following) => following.stop()), counters(store).start()];
  for (let n = 0; n < 3; n++) await store.append(`berth.event.counter.c${n}`, noHead, [{ type: 'Added', text: 'x' } as Added], cause);
  await streams.deleteMessage('BERTH', 2);
  await Promise.all(readings());
  await streams.deleteMessage('BERTH', 3);
  for (const reading of readings()) await expect(reading).rejects.toMatchObject(missing);
  await store.append('berth.event.counter.c3', noHead, [{ type: 'Added', text: 'x' } as Added], cause);
  await Promise.all(readings());
  await streams.purge('BERTH');
  for (const reading of readings()) await expect(reading).rejects.toMatchObject(missing);
  expect(await store.read('berth.event.counter.c0')).toEqual([]);
  await store.close();
  await connection.close();
  await server.stop();
});

test('on a real server a lost, an altered and a truncated commit are found', async () => {
  const server = await TestNatsServer.start();
  const connection = await connect({ servers: server.url });
  const { streams } = await jetstreamManager(connection);
  // As of somebody with rights on the server: Berth's own stream denies deletes.
  await streams.add({ name: 'BERTH', subjects: ['berth.event.>'], discard: 'new' as never, deny_delete: false });
  const store = await open(server);
  const write = async (id: string): Promise<Commit[]> => {
    const commits: Commit[] = [];
    for (let n = 0; n < 3; n++) {
      const { position = 0, hash = '' } = commits.at(-1) ?? {};
      commits.push(await store.append(`berth.event.counter.${id}`, { sequence: position, hash }, [{ type: 'Added', text: `${id}${n}` } as Added], cause));
    }
    return commits;
  };
  const [lost, first] = [await write('lost'), await write('first')];
  expect(await verifyChain(store)).toEqual({ commits: 6, subjects: 2, broken: [], position: 6 });
  await streams.deleteMessage('BERTH', lost[1]!.position);
  await streams.purge('BERTH', { filter: 'berth.event.counter.first', seq: first[1]!.position });
  // What its headers say was written, with another body, and with half of it.
  const forge = async (id: string, change: (body: string) => string): Promise<void> => {
    const { headers: written, body } = encodeCommit({ subject: `berth.event.counter.${id}`, id, time: new Date(), source: 'test', cause, expected: noHead, events: [{ type: 'Added', text: id }, { type: 'Added', text: 'second' }] });
    const message = headers();
    for (const [name, value] of written) message.set(name, value);
    await connection.request(`berth.event.counter.${id}`, change(body), { headers: message, timeout: 5_000 });
  };
  await forge('whole', (body) => body);
  await forge('altered', (body) => body.replace('"altered"', '"forged"'));
  await forge('truncated', (body) => body.replace(/,\{[^{}]*\}\]/, ']'));
  expect((await verifyChain(store)).broken.map(({ subject, position, reason }) => [subject.slice(20), position, reason.split(':')[0]])).toEqual([
    ['lost', lost[2]!.position, `it does not follow the commit at ${lost[0]!.position}`],
    ['first', first[1]!.position, 'commits before it are missing'],
    ['altered', 8, 'its bytes are not what was written'],
    ['truncated', 9, 'its bytes are not what was written'],
  ]);
  await store.close();
  await connection.close();
  await server.stop();
});
