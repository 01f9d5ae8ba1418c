import { expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { specify } from '#libs/event-store/testing/specify.js';
import { type ContainerCommand, containerDecider } from './container-decider.js';
import { type Container, isPresent, isToRestart } from './container-state.js';

const at = '2026-01-01T00:00:00.000Z';
const container = 'c1';
const made = { name: 'web', config: {}, hostConfig: {}, imageId: 'sha256:1', imageRef: 'busybox', layers: [], path: 'sh', args: [], mounts: [] };
const created: ContainerEvent = { type: 'ContainerCreated', container, ...made, at };
const run: readonly ContainerEvent[] = [
  { type: 'StartRequested', container, start: 1, reason: 'api', at },
  { type: 'ContainerStarted', container, start: 1, pid: 7, at },
  { type: 'ContainerExited', container, start: 1, exitCode: 3, signal: 0, oomKilled: false, reason: 'error', at },
];
const removeRequested: ContainerEvent = { type: 'RemoveRequested', container, force: false, volumes: true, keepSeconds: 900, at };
const removed: ContainerEvent = { type: 'ContainerRemoved', container, keptUntil: '2026-01-01T00:15:00.000Z', at };
const restoreRequested: ContainerEvent = { type: 'RestoreRequested', container, name: 'again', at };
const restored: ContainerEvent = { type: 'ContainerRestored', container, createdAt: at, ...made, name: 'again', start: 1, at };
const restoreFailed: ContainerEvent = { type: 'RestoreFailed', container, error: 'the disk is broken', at };
const discarded: ContainerEvent = { type: 'ContainerDiscarded', container, reason: 'time-over', at };

const remove = { type: 'Remove', force: false, volumes: true, keepSeconds: 900, at } as const;
const restore: ContainerCommand = { type: 'Restore', name: 'again', at };
const recordRestored: ContainerCommand = { type: 'RecordRestored', at };
const discard: ContainerCommand = { type: 'Discard', reason: 'time-over', at };
const start: ContainerCommand = { type: 'Start', reason: 'api', at };

const given = specify(containerDecider);
const gone = [created, ...run, removeRequested, removed] as const;

test('a removal says for how long the container can come back, counted from its end', () => {
  given(created, ...run).when(remove).then(removeRequested, removed);
  given(created, removeRequested).when({ type: 'RecordRemoved', at }).then(removed);
});

test('a plan of the end of what runs says for how long it can come back, though the intent is on no log', () => {
  given(created, ...run.slice(0, 2)).when({ type: 'RecordRemoved', keepSeconds: 900, at }).then(removed);
});

test('a run is ended before what it belongs to is removed, and what goes for good goes before it is said to be gone', () => {
  given(created, ...run.slice(0, 2)).when({ ...remove, force: true }).then({ ...removeRequested, force: true });
  given(created, ...run).when({ type: 'Remove', force: false, volumes: true, at }).then({ type: 'RemoveRequested', container, force: false, volumes: true, at });
});

test('a removed container is there for nobody but who brings it back', () => {
  given(...gone).when(start).thenRefused('not-found');
  given(...gone).when({ type: 'Remove', force: true, volumes: false, at }).thenRefused('not-found');
  given(...gone).when({ type: 'RecordExited', start: 1, exitCode: 0, signal: 0, oomKilled: false, keeperLost: false, at }).thenNothing();
});

test('it comes back under the name that was claimed, and goes on counting its runs', () => {
  given(...gone).when(restore).then(restoreRequested);
  given(...gone, restoreRequested).when(recordRestored).then(restored);
  given(...gone, restoreRequested, restored).when(start).then({ type: 'StartRequested', container, start: 2, reason: 'api', at });
  given(...gone, restoreRequested, restored).when(recordRestored).thenNothing();
});

test('what was asked of its run is over: it does not begin anew', () => {
  const stopRequested: ContainerEvent = { type: 'StopRequested', container, signal: 15, timeoutSeconds: 10, restarts: true, at };
  const killRequested: ContainerEvent = { type: 'KillRequested', container, signal: 9, at };
  const [asked, began, exited] = run;
  const amid = [created, asked!, began!, stopRequested, killRequested, { ...removeRequested, force: true }, exited!, removed, restoreRequested, restored];
  const state = amid.reduce<Container>(containerDecider.evolve, containerDecider.initialState);
  expect(state).toMatchObject({ status: 'exited', run: { start: 1, exitCode: 3 } });
  expect(isPresent(state) && [isToRestart(state), state.run.stopRequested, state.run.kill]).toEqual([false, undefined, undefined]);
});

test('an image that was being made of it is no wish of its any more: it is not made again, and another can be made', () => {
  const commit = { reference: 'app:v1', author: '', comment: '', config: {} };
  const commitRequested: ContainerEvent = { type: 'CommitRequested', container, commit: { ...commit, pauses: false }, at };
  const amid = [created, ...run, commitRequested, removeRequested, removed] as const;
  given(...amid).when({ type: 'RecordCommitted', image: 'sha256:2', at }).thenNothing();
  given(...amid, restoreRequested, restored).when({ type: 'RecordCommitted', image: 'sha256:2', at }).thenNothing();
  given(...amid, restoreRequested, restored).when({ type: 'Commit', pause: false, wish: commit, at }).then(commitRequested);
});

test('what cannot be brought back is kept as before: it can be tried again, or let go', () => {
  const recordFailed: ContainerCommand = { type: 'RecordRestoreFailed', error: 'the disk is broken', at };
  given(...gone, restoreRequested).when(recordFailed).then(restoreFailed);
  given(...gone, restoreRequested, restoreFailed).when(restore).then(restoreRequested);
  given(...gone, restoreRequested, restoreFailed).when(discard).then(discarded);
  given(...gone, restoreRequested, restoreFailed).when(recordRestored).thenNothing();
  given(...gone, restoreRequested, restored).when(recordFailed).thenNothing();
  given(...gone).when(recordFailed).thenNothing();
});

test('what comes back, or is there, or is gone for good is not restored', () => {
  given(...gone, restoreRequested).when(restore).thenRefused('conflict', /is being restored/);
  given(created).when(restore).thenRefused('conflict', /nothing to undo/);
  given(...gone, discarded).when(restore).thenRefused('not-found');
});

test('what is kept is let go once, and not while it comes back', () => {
  given(...gone).when(discard).then(discarded);
  given(...gone, discarded).when(discard).thenNothing();
  given(...gone, restoreRequested).when(discard).thenNothing();
  given(...gone, restoreRequested).when({ type: 'Discard', reason: 'asked', at }).thenRefused('conflict', /is being restored/);
  given(...gone, restoreRequested, restored).when(discard).thenNothing();
});

test('a container that comes back can be removed, and come back, again', () => {
  given(...gone, restoreRequested, restored).when(remove).then(removeRequested, removed);
  given(...gone, restoreRequested, restored, removeRequested, removed).when(restore).then(restoreRequested);
});
