import type { NatsConnection } from '@nats-io/transport-node';
import { beforeEach, expect, test } from 'vitest';
import { Request, type RequestContext } from '#contracts/request.js';
import { notFound, toErrorReply } from '#libs/errors/errors.js';
import { Bus } from './bus.js';
import { LocalServices } from './local-services.js';
import { ServiceTransport } from './service-transport.js';

class PaintDoor extends Request<{ readonly colour: string }> {
  static readonly subject = 'berth.command.painters.paint';
}
class OpenDoor extends Request<void> {
  static readonly subject = 'berth.command.doors.open';
}

const asked: RequestContext = { actor: 'me', correlationId: 'c', causationId: 'c' };
const published: string[] = [];
let local: LocalServices;
let painters: ServiceTransport;
let bus: Bus;

/** A connection on which nobody answers. */
const connection = {
  subscribe: () => undefined,
  status: async function* () {
    await new Promise(() => undefined);
    yield undefined;
  },
  publish: (subject: string) => published.push(subject),
  isClosed: () => false,
} as unknown as NatsConnection;

beforeEach(() => {
  published.length = 0;
  local = new LocalServices();
  painters = new ServiceTransport({}, 'painters');
  bus = new Bus(connection, 'gateway', local);
  local.add(painters);
});

test('a service of the process answers without the bus', async () => {
  painters.addHandler(PaintDoor.subject, async (data: { colour: string }) => ({ colour: `light ${data.colour}` }));
  expect(await bus.request(PaintDoor, { colour: 'blue' }, asked)).toEqual({ colour: 'light blue' });
  expect(published).toEqual([]);
});

test('what is asked is a copy, as a message would be', async () => {
  const sent = { colour: 'blue', coats: undefined, tools: ['brush'] };
  painters.addHandler(PaintDoor.subject, async (data: typeof sent) => {
    expect(data).toStrictEqual({ colour: 'blue', tools: ['brush'] });
    data.tools.push('roller');
    return { colour: data.colour };
  });
  await bus.request(PaintDoor, sent, asked);
  expect(sent.tools).toEqual(['brush']);
});

test('who asked comes with it', async () => {
  painters.addHandler(PaintDoor.subject, async (_data: object, context: { getHeaders(): { get(name: string): string } }) => ({ colour: context.getHeaders().get('berth-actor') }));
  expect(await bus.request(PaintDoor, {}, asked)).toEqual({ colour: 'me' });
});

test('a refusal keeps its kind', async () => {
  painters.addHandler(PaintDoor.subject, async () => Promise.reject(toErrorReply(notFound('No such door: front'))));
  await expect(bus.request(PaintDoor, {}, asked)).rejects.toMatchObject({ kind: 'not-found', message: 'No such door: front' });
});

test('a dry run brings what would be appended', async () => {
  const event = { subject: 'berth.event.door.front', type: 'DoorPainted', data: {} };
  painters.addHandler(PaintDoor.subject, async () => ({ colour: 'blue', wouldAppend: [event] }));
  const planned: (typeof event)[] = [];
  await bus.request(PaintDoor, {}, { ...asked, dryRun: true, planned });
  expect(planned).toEqual([event]);
});

test('an answer that does not come is waited for no longer than asked', async () => {
  painters.addHandler(PaintDoor.subject, () => new Promise(() => undefined));
  await expect(bus.request(PaintDoor, {}, asked, { timeoutMs: 20 })).rejects.toMatchObject({ kind: 'unavailable', message: `the painters service did not answer ${PaintDoor.subject} in time` });
});

test('what no service of the process answers goes over the bus', async () => {
  await expect(bus.request(OpenDoor, {}, asked, { timeoutMs: 20 })).rejects.toMatchObject({ kind: 'unavailable' });
  expect(published).toEqual([OpenDoor.subject]);
});
