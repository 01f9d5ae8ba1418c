import 'reflect-metadata';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { IsInt } from 'class-validator';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Request, type RequestContext } from '#contracts/request.js';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { invalid } from '#libs/errors/errors.js';
import type { Bus } from './bus.js';
import { ownHeaders } from './bus-headers.js';
import { Body, Handles } from './handles.js';
import { LocalServices } from './local-services.js';
import { LongReplies } from './long-replies.js';
import { permissionsOf } from './permissions.js';
import { connectBus, startMicroservice } from './service.js';

const LIMIT_BYTES = 64 * 1024;

class ListThings extends Request<{ readonly things: readonly string[] }> {
  static readonly subject = 'berth.query.volumes.things';
  @IsInt() readonly count!: number;
}

/** Nobody answers it. */
class ListNothing extends Request<object> {
  static readonly subject = 'berth.query.volumes.nothing';
}

/** As they are at the time of the question. */
let kind = 'thing';
const listed = (count: number): string[] => Array.from({ length: count }, (_, number) => `${kind} ${number} – é`);

@Controller()
class Things {
  @Handles(ListThings)
  list(@Body() { count }: ListThings): { things: readonly string[] } {
    if (count < 0) throw invalid('x'.repeat(3 * LIMIT_BYTES));
    return { things: listed(count) };
  }
}

@Module({ controllers: [Things] })
class ThingsModule {}

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
let server: TestNatsServer;
let service: INestMicroservice;
let bus: Bus;
let watcher: NatsConnection;
/** Requests on the bus, by subject. */
let requests: string[];
beforeAll(async () => {
  // The rights of a deployment: a service may answer a request once.
  const users = [...(['gateway', 'volumes'] as const).map((user) => ({ user, password: user, permissions: permissionsOf(user) })), { user: 'watcher', password: 'watcher' }];
  server = await TestNatsServer.start({ configuration: `max_payload: ${LIMIT_BYTES}\nauthorization: ${JSON.stringify({ users })}` });
  const credentials = (user: string) => ({ servers: server.url, user, pass: user });
  service = await startMicroservice({ module: ThingsModule }, credentials('volumes'));
  bus = await connectBus(credentials('gateway'), new LocalServices());
  watcher = await connect({ servers: server.url, user: 'watcher', pass: 'watcher' });
  watcher.subscribe('berth.query.>', { callback: (_error, { subject }: Msg) => void requests.push(subject) });
  await watcher.flush();
});
beforeEach(() => {
  requests = [];
  kind = 'thing';
});
afterEach(() => watcher.flush());
afterAll(async () => {
  await Promise.all([bus.close(), watcher.close(), service.close()]);
  await server.stop();
});

test('a list of many times what a message holds comes whole, as it was when it was asked for', async () => {
  const reply = bus.request(ListThings, { count: 20_000 }, asked);
  await expect.poll(() => requests.includes('berth.query.volumes.rest')).toBe(true);
  kind = 'other';
  expect((await reply).things.every((thing, number) => thing === `thing ${number} – é`)).toBe(true);
  expect((await reply).things).toHaveLength(20_000);
});
test('one that fits is one question and one answer', async () => {
  expect((await bus.request(ListThings, { count: 1_000 }, asked)).things).toEqual(listed(1_000));
  await watcher.flush();
  expect(requests).toEqual(['berth.query.volumes.things']);
});
test('lists of every length about the limit are whole', async () => {
  // Each takes 14 to 16 bytes more than the one before.
  for (let count = 3_300; count < 3_700; count += 1) expect((await bus.request(ListThings, { count }, asked)).things).toHaveLength(count);
});
test('a request waits for as long as it may, whatever is made of the clock meanwhile', async () => {
  const began = performance.now();
  const reply = bus.request(ListNothing, {}, asked, { timeoutMs: 500 });
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  await expect(reply.finally(() => vi.restoreAllMocks())).rejects.toMatchObject({ kind: 'unavailable' });
  expect(performance.now() - began).toBeGreaterThan(400);
});
test('an error that is longer is told whole, too', async () => {
  await expect(bus.request(ListThings, { count: -1 }, asked)).rejects.toMatchObject({ kind: 'invalid', message: 'x'.repeat(3 * LIMIT_BYTES) });
});
test('who names what is not there is given nothing, and what is there once', async () => {
  const answers: { bytes: number; rest: string }[] = [];
  const message = { subject: 'berth.query.volumes.rest', headers: ownHeaders(), respond: (data: Buffer, options?: { headers: { get(name: string): string } }) => answers.push({ bytes: data.length, rest: options?.headers.get('Berth-Rest') ?? '' }) } as unknown as Msg;
  let ask: (name: string) => void = () => undefined;
  const connection = { info: { max_payload: 5_096 }, subscribe: (_subject: string, { callback }: { callback: (error: null, message: Msg) => void }) => (ask = (name) => callback(null, { ...message, string: () => name } as Msg)) };
  const replies = new LongReplies(connection as unknown as NatsConnection);
  replies.serve('volumes');
  replies.answer(message, 'y'.repeat(1_500));
  expect(answers).toEqual([{ bytes: 1_000, rest: expect.stringMatching(/^[0-9a-f]{32}$/) }]);
  ask(answers[0]!.rest);
  ask(answers[0]!.rest);
  ask('nothing');
  expect(answers.slice(1)).toEqual([{ bytes: 500, rest: '' }, { bytes: 0, rest: '' }, { bytes: 0, rest: '' }]);
});
