import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { GetKept } from '#contracts/executor/kept.js';
import type { RequestContext } from '#contracts/request.js';
import { GetVolume, RemoveVolume, RestoreVolume } from '#contracts/volumes/volumes.js';
import { conflict, internal, notFound, unavailable } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { noHead } from '#libs/event-store/event.js';
import { StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import type { Bus } from '#libs/messaging/bus.js';
import { containerDecider } from '../../domain/container/container-decider.js';
import { nameDecider } from '../../domain/name/name-decider.js';
import { ContainerDirectory, type Containers, type Names } from '../names/container-directory.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import { KeptContainers } from './kept-containers.js';
import { NameClaims } from '../names/name-claims.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
const at = '2026-01-01T00:00:00.000Z';
const mounts = ['one', 'two'].map((name) => ({ type: 'volume', name, source: '', target: `/${name}`, readOnly: false, propagation: '', copyUp: true, anonymous: true }) as const);
const removed: readonly [ContainerEvent, ...ContainerEvent[]] = [
  { type: 'ContainerCreated', container: 'c1', name: 'web', config: {}, hostConfig: {}, imageId: 'sha256:1', imageRef: 'busybox', layers: [], path: 'sh', args: [], mounts, at },
  { type: 'RemoveRequested', container: 'c1', force: false, volumes: true, keepSeconds: 900, at },
  { type: 'ContainerRemoved', container: 'c1', keptUntil: '2030-01-01T00:00:00.000Z', at },
];

let store: StallingEventStore;
let containers: Containers;
let names: Names;
let directory: ContainerDirectory;
let claims: NameClaims;
let kept: KeptContainers;
/** Volumes that are kept, and not back. */
let volumes: Set<string>;
let areFilesGone: boolean;
let answers: Map<string, () => unknown>;

const answer = async ({ subject }: { subject: string }, { name, image }: { name?: string; image?: string }): Promise<unknown> => {
  const what = [subject.split('.').slice(2).join(' '), name ?? image ?? ''].join(' ').trim();
  const refused = answers.get(what)?.();
  if (refused !== undefined) throw refused;
  if (subject === GetKept.subject) return { files: !areFilesGone, volumes: [...volumes] };
  if (subject === GetVolume.subject && volumes.has(name ?? '')) throw notFound('no such volume');
  if (subject === RestoreVolume.subject) volumes.delete(name ?? '');
  if (subject === RemoveVolume.subject) volumes.add(name ?? '');
  return { position: 0 };
};

beforeEach(async () => {
  [store, volumes, areFilesGone, answers] = [new StallingEventStore(), new Set(['one', 'two']), false, new Map()];
  containers = new Aggregates(store, 'container', containerDecider, { source: 'containers', isGone: ({ status }) => status === 'absent' });
  names = new Aggregates(store, 'name', nameDecider, { source: 'containers' });
  directory = new ContainerDirectory(containers, names, { listed: () => [] } as unknown as ExecRuns, '/');
  claims = new NameClaims(names, containers, directory, () => undefined);
  kept = new KeptContainers(containers, names, claims, directory, { settled: () => Promise.resolve() }, { request: answer } as unknown as Bus, '/');
  await store.append('berth.event.container.c1', noHead, removed, asked);
  await Promise.all([containers.start(), names.start()]);
});
afterEach(async () => {
  claims.stop();
  await Promise.all([containers.stop(), names.stop()]);
});

const restore = () => kept.restore({ container: 'web' }, asked);
const status = (): string => containers.get('c1').state.status;
const last = async () => (await containers.history('c1')).at(-1);

test('a restore that is refused behind its intent is given up: all is as it was, and can be asked for again', async () => {
  answers.set('volumes restore two', () => conflict('a volume two was made since'));
  await expect(restore()).rejects.toMatchObject({ kind: 'conflict', message: 'a volume two was made since' });
  expect(await last()).toMatchObject({ type: 'RestoreFailed', error: 'a volume two was made since' });
  expect([status(), names.get('web').state.holder, [...volumes].sort()]).toEqual(['kept', '', ['one', 'two']]);
  await kept.goOnRestoring('c1', asked);
  expect(status()).toBe('kept');
  answers.clear();
  expect(await restore()).toMatchObject({ id: 'c1', name: 'web' });
  expect([status(), names.get('web').state.holder, [...volumes]]).toEqual(['created', 'c1', []]);
});

test('one that a disk refuses is given up as well; one that only nobody answers is not', async () => {
  answers.set('executor restore-container-files', () => internal('EIO'));
  await expect(restore()).rejects.toThrow('EIO');
  expect([status(), await last()]).toMatchObject(['kept', { type: 'RestoreFailed' }]);
  answers.set('executor restore-container-files', () => unavailable('nobody listens'));
  await expect(restore()).rejects.toMatchObject({ kind: 'unavailable' });
  expect(status()).toBe('restoring');
  await expect(kept.discard('c1', 'asked', asked)).rejects.toMatchObject({ kind: 'conflict' });
  answers.clear();
  await kept.goOnRestoring('c1', asked);
  expect(status()).toBe('created');
});

test('its image is in use from the moment it is looked for until it is there', async () => {
  const listed = (restoring: boolean) => directory.list(true, restoring).containers.map(({ id, imageId }) => [id, imageId]);
  const seen: string[] = [];
  for (const what of ['images hold sha256:1', 'images release']) answers.set(what, () => void seen.push(`${what}: ${status()}`));
  answers.set('executor restore-container-files', () => unavailable('nobody listens'));
  await expect(restore()).rejects.toMatchObject({ kind: 'unavailable' });
  expect(seen).toEqual(['images hold sha256:1: kept', 'images release: restoring']);
  expect([listed(true), listed(false)]).toEqual([[['c1', 'sha256:1']], []]);
});

test.each<[string, readonly ContainerEvent[], string]>([
  ['never ran, since each start failed before it had any, is back without files', [], 'back'],
  ['ran once is not, where its files are gone', [{ type: 'StartRequested', container: 'c2', start: 2, reason: 'api', at }, { type: 'ContainerStarted', container: 'c2', start: 2, pid: 7, at }, { type: 'ContainerExited', container: 'c2', start: 2, exitCode: 0, signal: 0, oomKilled: false, reason: 'completed', at }], 'refused'],
])('what %s', async (_what, runs, outcome) => {
  const [created, ...removal] = removed.map((event) => ({ ...event, container: 'c2', ...(event.type === 'ContainerCreated' ? { name: 'db', mounts: [] } : {}) }) as ContainerEvent);
  const failed = (start: number): ContainerEvent[] => [{ type: 'StartRequested', container: 'c2', start, reason: 'api', at }, { type: 'StartFailed', container: 'c2', start, error: 'port is already allocated', exitCode: 128, at }];
  const { position } = await store.append('berth.event.container.c2', noHead, [created!, ...failed(1), ...runs, ...failed(3), ...removal], asked);
  await containers.waitFor(position);
  volumes.clear();
  areFilesGone = true;
  const restored = await kept.restore({ container: 'db' }, asked).then(() => 'back', (error: Error) => (error.message.includes('its files are gone') ? 'refused' : error.message));
  expect(restored).toBe(outcome);
});
