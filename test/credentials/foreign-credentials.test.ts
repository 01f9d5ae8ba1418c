import 'reflect-metadata';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEventStore } from '#libs/event-store/jetstream-event-store.js';
import { noHead } from '#libs/event-store/event.js';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { BUS_USERS, type BusUser, permissionsOf } from '#libs/messaging/permissions.js';
import { login, refused } from './refused.js';

/** Who may send what, told once more by hand: a slip in the table must not excuse itself. */
const ASKERS: Readonly<Record<string, readonly BusUser[]>> = {
  'command.containers': ['gateway'],
  'command.images': ['gateway', 'containers'],
  'command.networks': ['containers'],
  'command.volumes': ['gateway', 'containers'],
  'command.executor': ['containers'],
  'query.containers': ['gateway', 'operator'],
  'query.images': ['gateway', 'containers', 'operator'],
  'query.networks': ['gateway', 'containers', 'operator'],
  'query.volumes': ['gateway', 'containers', 'operator'],
  'query.executor': ['containers', 'operator'],
};
/** And these requests alone. */
const ASKERS_TOO: Readonly<Record<string, BusUser>> = {
  'command.executor.unpack-layer': 'images', 'command.executor.remove-layer': 'images', 'command.executor.keep-layers': 'images', 'query.executor.open-layer': 'images', 'query.containers.list': 'images',
  'command.executor.ensure-bridge': 'networks',
  'command.executor.ensure-volume': 'volumes', 'command.executor.remove-volume': 'volumes', 'command.executor.restore-volume': 'volumes', 'query.executor.volume-directories': 'volumes',
  'query.executor.host-facts': 'gateway', 'query.executor.usage': 'gateway', 'query.executor.measure-files': 'gateway',
};
const WRITERS: Readonly<Record<string, BusUser>> = {
  container: 'containers', name: 'containers', exec: 'containers', image: 'images', network: 'networks', pool: 'networks', volume: 'volumes', task: 'executor', access: 'gateway',
};
/** Of JetStream's API all that changes, removes or tells of what others made. */
const FORBIDDEN_API = [
  'STREAM.UPDATE.BERTH', 'STREAM.DELETE.BERTH', 'STREAM.PURGE.BERTH', 'STREAM.MSG.DELETE.BERTH', 'STREAM.SNAPSHOT.BERTH', 'STREAM.RESTORE.BERTH', 'STREAM.NAMES', 'STREAM.LIST',
  'STREAM.PEER.REMOVE.BERTH', 'STREAM.LEADER.STEPDOWN.BERTH', 'STREAM.CREATE.OTHER', 'STREAM.TEMPLATE.CREATE.OTHER',
  'CONSUMER.DURABLE.CREATE.BERTH.mine', 'CONSUMER.NAMES.BERTH', 'CONSUMER.LIST.BERTH', 'CONSUMER.PAUSE.BERTH.theirs', 'CONSUMER.RESET.BERTH.theirs', 'CONSUMER.UNPIN.BERTH.theirs',
  'CONSUMER.LEADER.STEPDOWN.BERTH.theirs', 'CONSUMER.MSG.NEXT.BERTH.theirs', 'CONSUMER.CREATE.OTHER.mine', 'ACCOUNT.PURGE.$G', 'META.LEADER.STEPDOWN', 'SERVER.REMOVE',
].map((call) => `$JS.API.${call}`);

let server: TestNatsServer;
let subjects: string[];
beforeAll(async () => {
  const users = BUS_USERS.map((user) => ({ user, password: user, permissions: permissionsOf(user) }));
  server = await TestNatsServer.start({ configuration: `authorization: ${JSON.stringify({ users: [...users, { user: 'root', password: 'root' }] })}` });
  subjects = await contractSubjects();
  const founder = await connectEventStore({ ...as('containers'), source: 'test', name: 'founder' });
  for (const [kind, writer] of Object.entries(WRITERS)) {
    const store = await connectEventStore({ ...as(writer), source: 'test', name: writer });
    await store.append(`berth.event.${kind}.there`, noHead, [{ type: 'Happened' }], { correlationId: 'c', causationId: 'c', actor: 'test' });
    await store.close();
  }
  await founder.close();
});
afterAll(() => server.stop());

const as = (user: string) => login({ servers: server.url, user, pass: user });

/** The subject of every command and query class below contracts/. */
async function contractSubjects(): Promise<string[]> {
  const root = join(import.meta.dirname, '../../contracts');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  const modules = await Promise.all(files.map(async (name) => (await import(pathToFileURL(join(root, name)).href)) as Record<string, unknown>));
  return modules.flatMap((module) => Object.values(module)).flatMap((exported) => (typeof exported === 'function' && 'subject' in exported ? [String(exported.subject)] : []));
}

const not = (all: readonly string[], allowed: readonly string[]): string[] => all.filter((subject) => !allowed.includes(subject)).sort();

test('the contracts are found', () => expect(subjects.length).toBeGreaterThan(40));

describe.each(BUS_USERS)('the credentials of %s', (user) => {
  test('send no command and no query but to whom they may', async () => {
    const allowed = subjects.filter((subject) => ASKERS[subject.split('.').slice(1, 3).join('.')]?.includes(user) || ASKERS_TOO[subject.split('.').slice(1).join('.')] === user);
    expect((await refused(as(user), 'publish', subjects)).sort()).toEqual(not(subjects, allowed));
  });

  test("append to no other's aggregates, and into no inbox", async () => {
    const events = Object.keys(WRITERS).map((kind) => `berth.event.${kind}.x`);
    const inboxes = BUS_USERS.filter((other) => other !== user).map((other) => `_INBOX_${other}.x`);
    const own = events.filter((subject) => WRITERS[subject.split('.')[2] ?? ''] === user);
    const tried = [...events, ...inboxes, 'berth.event.unheard-of.x'];
    // What the owner writes here without a head to follow is no commit of the log's chain, so it is not tried.
    expect((await refused(as(user), 'publish', not(tried, own))).sort()).toEqual(not(tried, own));
  });

  test('change, delete, purge and list nothing of the log', async () => {
    expect((await refused(as(user), 'publish', FORBIDDEN_API)).sort()).toEqual(not(FORBIDDEN_API, []));
  });

  test('listen to nothing that is for others', async () => {
    const others = BUS_USERS.filter((other) => other !== user);
    const tried = [
      ...subjects.filter((subject) => subject.split('.')[2] !== user), ...others.flatMap((other) => [`_INBOX_${other}.>`, `berth.command.${other}.>`]),
      '>', '*', 'berth.>', 'berth.event.>', 'berth.command.>', '_INBOX.>', '$JS.>', '$JS.API.>', '$JS.EVENT.>', '$SYS.>',
    ];
    expect((await refused(as(user), 'subscription', tried)).sort()).toEqual(not(tried, []));
  });
});

test('after all that, the log is as it was', async () => {
  const root = await connect({ ...as('root'), inboxPrefix: '_INBOX' });
  const { state, config } = await (await jetstreamManager(root)).streams.info('BERTH');
  expect(state).toMatchObject({ messages: Object.keys(WRITERS).length, first_seq: 1, last_seq: Object.keys(WRITERS).length });
  expect(config).toMatchObject({ deny_delete: true });
  await root.close();
});

test('the owner of a subject cannot roll up what came before', async () => {
  const connection: NatsConnection = await connect(as('containers'));
  const message = headers();
  message.set('Nats-Rollup', 'all');
  const answer = await connection.request('berth.event.container.there', '{}', { headers: message, timeout: 5_000 });
  expect(answer.json()).toMatchObject({ error: { description: expect.stringMatching(/rollup not permitted/) } });
  await connection.close();
});

test('the operator reads the log', async () => {
  const store = await connectEventStore({ ...as('operator'), source: 'operator', name: 'operator' });
  let read = 0;
  await store.replay(['berth.event.>'], 0, () => read++);
  expect(read).toBe(Object.keys(WRITERS).length);
  await store.close();
});
