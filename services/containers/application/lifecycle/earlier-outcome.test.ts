import { afterEach, expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { internal } from '#libs/errors/errors.js';
import { asked, at, LifecycleWorld } from '../testing/lifecycle-world.js';

let world: LifecycleWorld;
afterEach(() => world.close());

const keyed = { ...asked, idempotencyKey: 'key' };
const running: readonly ContainerEvent[] = [{ type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at }, { type: 'ContainerStarted', container: 'c1', start: 1, pid: 7, at }];
const message = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', (error: unknown) => (error as Error).message);
const edit = (changes: object): Promise<unknown> => world.edits.edit({ container: 'c1', changes } as Parameters<typeof world.edits.edit>[0], keyed);
const commit = (): Promise<{ image: string }> => world.commits.commit({ container: 'c1', reference: '', author: '', comment: '', changes: [], pause: false } as unknown as Parameters<typeof world.commits.commit>[0], keyed);

test.each<[string, string, () => Promise<unknown>]>([
  ['an update', 'update-task', () => world.updates.update({ container: 'c1', changes: { CpuShares: 512 } } as Parameters<typeof world.updates.update>[0], keyed)],
  ['an edit', 'update-task', () => edit({ limits: { CpuShares: 512 } })],
  ['a pause', 'freeze-task', () => world.pauses.pause('c1', keyed)],
  ['a stop', 'signal-task', () => world.lifecycle.stops.stop('c1', { timeoutSeconds: 1 }, keyed)],
  ['a kill', 'signal-task', () => world.lifecycle.kills.kill('c1', undefined, keyed)],
  ['a commit', 'commit', commit],
])('%s that failed has failed when it comes again with its key, too', async (_, what, ask) => {
  world = await LifecycleWorld.with({}, ...running);
  world.answers.set(what, () => Promise.reject(internal('it cannot be')));
  const first = await message(ask());
  expect(first).toContain('it cannot be');
  expect([await message(ask()), world.count(what)]).toEqual([first, 1]);
});

test('a commit that comes again with its key is answered with the image that it made', async () => {
  world = await LifecycleWorld.with({}, ...running);
  world.answers.set('commit', () => ({ position: 0, id: 'sha256:1' }));
  const images = (await Promise.all([commit(), commit()])).map(({ image }) => image);
  expect([...images, (await commit()).image, world.count('commit')]).toEqual(['sha256:1', 'sha256:1', 'sha256:1', 1]);
});

test('an edit that comes again with its key is not refused for what it did itself', async () => {
  world = await LifecycleWorld.with({}, ...running);
  const first = await edit({ binds: ['/srv:/srv'] });
  expect(first).toMatchObject({ version: 2 });
  expect(await edit({ binds: ['/srv:/srv'] })).toEqual(first);
});

test('a stop that comes again with its key waits for the end that the first one has asked for', async () => {
  world = await LifecycleWorld.with({}, ...running);
  const over: string[] = [];
  const stops = ['first', 'again'].map(async (name) => {
    await world.lifecycle.stops.stop('c1', {}, keyed);
    over.push(name);
  });
  await expect.poll(() => world.count('signal-task')).toBe(1);
  expect(over).toEqual([]);
  await world.exited(1);
  await Promise.all(stops);
  expect(world.count('signal-task')).toBe(1);
});
