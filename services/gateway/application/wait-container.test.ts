import 'reflect-metadata';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { WaitContainer } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { forbidden, notFound, unavailable } from '#libs/errors/errors.js';
import { ContainerFeed } from './container-feed.js';
import { type Asks, EngineClient, type GatewayDependencies } from './engine-client.js';
import { waitContainer } from './wait-container.js';

const NOT_YET = { done: false, id: 'c', exitCode: 0, error: '', startNumber: 0 };
const container = { id: 'c', status: 'running', startNumber: 1, exitCode: 0 } as const;

/** A wait for the removal of a container, of which the test gives the rounds' answers. */
function waiting(signal: AbortSignal = new AbortController().signal) {
  const rounds: { readonly asked: object; readonly answer: (reply: object) => void; readonly refuse: (error: Error) => void }[] = [];
  const request = (type: unknown, data: object) => {
    expect(type).toBe(WaitContainer);
    return new Promise((answer, refuse) => rounds.push({ asked: data, answer, refuse }));
  };
  const feed = new ContainerFeed({ follow: () => Promise.reject(new Error('not of this test')), lastPosition: () => Promise.resolve(0) });
  const engine = new EngineClient({ bus: { request } as Asks } as GatewayDependencies);
  const { result } = waitContainer(engine, feed, container, 'removed', {} as RequestContext, signal);
  return { rounds, feed, result };
}

test('a wait whose client leaves is over, and asks no more', async () => {
  const client = new AbortController();
  const { rounds, result } = waiting(client.signal);
  client.abort();
  await expect(result).resolves.toMatchObject({ StatusCode: 125 });
  rounds[0]?.answer(NOT_YET);
  await setImmediate();
  expect(rounds).toHaveLength(1);
  // What nobody can take back goes soon.
  expect(rounds[0]?.asked).toMatchObject({ deadlineMs: 60_000 });
});

test('it goes on in rounds, and of what ends between two of them the log tells', async () => {
  const { rounds, feed, result } = waiting();
  rounds[0]?.answer(NOT_YET);
  await expect.poll(() => rounds.length).toBe(2);
  rounds[1]?.refuse(notFound('No such container: c'));
  await setImmediate();
  const at = '2026-01-01T00:00:00Z';
  feed.see({ type: 'ContainerExited', container: 'c', start: 1, exitCode: 7, at } as ContainerEvent);
  feed.see({ type: 'ContainerRemoved', container: 'c', at } as ContainerEvent);
  await expect(result).resolves.toEqual({ StatusCode: 7 });
});

/** The next round comes after a pause. */
const soon = { timeout: 5_000 };

test('a round that was not answered is asked again, the first as well as a later one', async () => {
  const { rounds, result } = waiting();
  for (const at of [0, 1]) {
    rounds[at]?.refuse(unavailable('the containers service ended before it answered'));
    await expect.poll(() => rounds.length, soon).toBe(at + 2);
  }
  rounds[2]?.answer({ ...NOT_YET, done: true, exitCode: 9 });
  await expect(result).resolves.toEqual({ StatusCode: 9 });
});

test('the log tells of an end that came while nobody answered', async () => {
  const { rounds, feed, result } = waiting();
  rounds[0]?.refuse(unavailable('the bus was lost before an answer came'));
  await setImmediate();
  feed.see({ type: 'ContainerRemoved', container: 'c', at: '2026-01-01T00:00:00Z' } as ContainerEvent);
  await expect(result).resolves.toEqual({ StatusCode: 0 });
});

test('a client that leaves while nobody answers is asked for no more', async () => {
  const client = new AbortController();
  const { rounds, result } = waiting(client.signal);
  rounds[0]?.refuse(unavailable('the bus was lost before an answer came'));
  await setImmediate();
  client.abort();
  await expect(result).resolves.toMatchObject({ StatusCode: 125 });
  await setImmediate();
  expect(rounds).toHaveLength(1);
});

test.each([['of the first round', 0], ['of a later one', 1]])('a refusal %s is an answer', async (_which, at) => {
  const { rounds, result } = waiting();
  if (at === 1) rounds[0]?.answer(NOT_YET);
  await expect.poll(() => rounds.length).toBe(at + 1);
  rounds[at]?.refuse(at === 0 ? notFound('No such container: c') : forbidden('not yours'));
  await expect(result).resolves.toMatchObject({ StatusCode: 125, Error: { Message: at === 0 ? 'No such container: c' : 'not yours' } });
});
