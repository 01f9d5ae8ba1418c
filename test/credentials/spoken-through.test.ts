import 'reflect-metadata';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { IsOptional, IsString } from 'class-validator';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Request, type RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { noHead } from '#libs/event-store/event.js';
import { connectEventStore, type JetStreamEventStore } from '#libs/event-store/jetstream-event-store.js';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { verifyChain } from '#libs/event-store/verify-chain.js';
import type { Bus } from '#libs/messaging/bus.js';
import { Body, Handles } from '#libs/messaging/handles.js';
import { LocalServices } from '#libs/messaging/local-services.js';
import { BUS_USERS, type BusUser, permissionsOf } from '#libs/messaging/permissions.js';
import { connectBus, startMicroservice } from '#libs/messaging/service.js';
import { login } from './refused.js';

/** Of the executor, as one of its own that names what it is to remove. */
class RemoveVolume extends Request<string> {
  static readonly subject = 'berth.command.executor.remove-volume';
  @IsOptional() @IsString() readonly name?: string;
}
class ListContainers extends Request<readonly string[]> {
  static readonly subject = 'berth.query.containers.list';
}

let done: (string | undefined)[];
let last = Promise.resolve();
@Controller()
class Executor {
  @Handles(RemoveVolume)
  async remove(@Body() { name }: RemoveVolume): Promise<string> {
    done.push(name);
    await last;
    return `removed ${name}`;
  }
}
@Controller()
class Containers {
  @Handles(ListContainers)
  list(): readonly string[] {
    return [];
  }
}
@Module({ controllers: [Executor] })
class ExecutorModule {}
@Module({ controllers: [Containers] })
class ContainersModule {}

const context: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
const API = '$JS.API';
let server: TestNatsServer;
let services: INestMicroservice[];
let store: JetStreamEventStore;
let bus: Bus;
/** Hears all. */
let watcher: NatsConnection;
const connections: NatsConnection[] = [];
beforeAll(async () => {
  const users = BUS_USERS.map((user) => ({ user, password: user, permissions: permissionsOf(user) }));
  server = await TestNatsServer.start({ configuration: `authorization: ${JSON.stringify({ users: [...users, { user: 'root', password: 'root' }] })}` });
  services = [await startMicroservice({ module: ExecutorModule }, credentials('executor')), await startMicroservice({ module: ContainersModule }, credentials('containers'))];
  store = await connectEventStore({ ...login(credentials('containers')), source: 'test', name: 'containers' });
  bus = await connectBus(credentials('containers'), new LocalServices());
  watcher = await as('root');
});
beforeEach(() => (done = []));
afterAll(async () => {
  await Promise.all([bus.close(), store.close(), ...services.map((service) => service.close()), ...connections.map((connection) => connection.close())]);
  await server.stop();
});

const credentials = (user: string) => ({ servers: server.url, user, pass: user });

async function as(user: BusUser | 'root'): Promise<NatsConnection> {
  const connection = await connect(login(credentials(user)));
  connections.push(connection);
  return connection;
}

/** What was sent before a request that is done is done, or never will be. */
const ask = (name: string): Promise<string> => bus.request(RemoveVolume, { name }, context);

const consumer = (name: string, config: object) => ({ subject: `${API}.CONSUMER.CREATE.BERTH.${name}`, body: JSON.stringify({ stream_name: 'BERTH', action: 'create', config: { name, mem_storage: true, ack_policy: 'none', deliver_policy: 'all', ...config } }) });

describe('nobody commands a service but who may', () => {
  test('by having the log deliver what he wrote to it', async () => {
    const gateway = await as('gateway');
    const header = headers();
    header.set('berth-actor', 'root');
    await gateway.request('berth.event.access.forged', JSON.stringify({ pattern: RemoveVolume.subject, data: { name: 'delivered' }, id: '1' }), { headers: header, timeout: 5_000 });
    const { subject, body } = consumer('delivers', { filter_subject: 'berth.event.access.forged', deliver_subject: RemoveVolume.subject, deliver_group: 'executor' });
    expect((await gateway.request(`${subject}.berth.event.access.forged`, body)).json()).not.toHaveProperty('error');
    const delivered = async () => (await gateway.request(`${API}.CONSUMER.INFO.BERTH.delivers`)).json<{ delivered: { consumer_seq: number } }>().delivered.consumer_seq;
    await expect.poll(delivered).toBe(1);
    await ask('asked');
    expect(done).toEqual(['asked']);
  });

  test('by having the log answer him there, in his words', async () => {
    const operator = await as('operator');
    const { subject, body } = consumer('answered', {});
    const answered = watcher.subscribe(RemoveVolume.subject, { max: 1 });
    await watcher.flush();
    operator.publish(subject, body, { reply: RemoveVolume.subject });
    for await (const message of answered) expect(message.json()).toMatchObject({ name: 'answered' });
    await ask('asked');
    expect(done).toEqual(['asked']);
  });
});

test.each([
  ['purged', ListContainers.subject, `${API}.STREAM.PURGE.BERTH`],
  ['deleted', 'berth.query.containers.rest', `${API}.STREAM.DELETE.BERTH`],
  ['deleted', 'berth.query.containers.uptime', `${API}.STREAM.DELETE.BERTH`],
])('nobody has the log %s by the answer to %s', async (_what, query, reply) => {
  const operator = await as('operator');
  await store.append(`berth.event.container.${query}`, noHead, [{ type: 'Happened' }], context);
  const header = headers();
  header.set('berth-actor', 'operator');
  const heard = watcher.subscribe(query, { max: 1 });
  await watcher.flush();
  operator.publish(query, '{}', { reply, headers: header });
  for await (const message of heard) expect(message.reply).toBe(reply);
  await connections[0]!.flush();
  // On the service's own connection, after what came before.
  await operator.request('berth.query.containers.uptime', '', { headers: header, timeout: 5_000 });
  const info = (await operator.request(`${API}.STREAM.INFO.BERTH`)).json<{ state?: { messages: number } }>();
  expect(info.state?.messages).toBe(await store.lastPosition());
});

test('who was asked cannot have another question answered by somebody else', async () => {
  const operator = await as('operator');
  const replies: string[] = [];
  watcher.subscribe(RemoveVolume.subject, { callback: (_error, { reply }) => void replies.push(reply ?? '') });
  await watcher.flush();
  await ask('first');
  const answer = Promise.withResolvers<void>();
  last = answer.promise;
  const second = ask('second');
  await expect.poll(() => done).toEqual(['first', 'second']);
  const [inbox, token] = [replies[0]!.slice(0, replies[0]!.lastIndexOf('.')), replies[0]!.slice(replies[0]!.lastIndexOf('.') + 1)];
  for (const guess of [Number.parseInt(token, 36) + 1, token]) operator.publish(`${API}.INFO`, '', { reply: `${inbox}.${guess.toString(36)}` });
  await operator.request(`${API}.INFO`);
  answer.resolve(); // after what the log answered
  expect(await second).toBe('removed second');
});

test('an answer that is stored in an aggregate changes nothing of it, and is found', async () => {
  const operator = await as('operator');
  const initialState = { count: 0 };
  const evolve = (state: { count: number }) => ({ count: state.count + 1 });
  const open = () => new Aggregates<{ count: number }, { type: 'Add' }, { type: 'Added' }>(store, 'container', { initialState, decide: () => [{ type: 'Added' }], evolve }, { source: 'test' });
  const running = open();
  await running.start();
  await running.execute('counter', { type: 'Add' }, context);
  const before = await store.lastPosition();
  for (const name of ['container.counter', 'container.%E0', 'nothing']) operator.publish(`${API}.INFO`, '', { reply: `berth.event.${name}` });
  await expect.poll(() => store.lastPosition()).toBe(before + 3);
  expect((await running.execute('counter', { type: 'Add' }, context)).state).toEqual({ count: 2 });
  await running.stop();
  const again = open();
  await again.start();
  expect((await again.execute('counter', { type: 'Add' }, context)).state).toEqual({ count: 3 });
  await again.stop();
  const found = [{ subject: 'berth.event.container.counter', position: before + 1, reason: 'it is no commit' }];
  expect((await verifyChain(store, before)).broken).toEqual(found);
});
