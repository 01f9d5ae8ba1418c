import { expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { type Container, isPresent } from './container/container-state.js';
import { containerDecider } from './container/container-decider.js';
import { containerView, listedContainer } from './container-view.js';

const container = 'c1';
const [created, began, ended, later] = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z', '2026-01-01T00:00:03Z'];
const once: readonly ContainerEvent[] = [
  { type: 'ContainerCreated', container, name: 'web', config: {}, hostConfig: {}, imageId: 'sha256:1', imageRef: 'busybox', layers: [], path: 'sh', args: [], mounts: [], at: created },
  { type: 'StartRequested', container, start: 1, reason: 'api', at: began },
  { type: 'ContainerStarted', container, start: 1, pid: 7, at: began },
  { type: 'ContainerExited', container, start: 1, exitCode: 28, signal: 0, oomKilled: true, reason: 'completed', at: ended },
];
const again: ContainerEvent = { type: 'StartRequested', container, start: 2, reason: 'api', at: later };

function seen(...events: readonly ContainerEvent[]) {
  const state = events.reduce<Container>((before, event) => containerDecider.evolve(before, event), containerDecider.initialState);
  if (!isPresent(state)) throw new Error('it is not there');
  const { status, exitCode, oomKilled, startedAt, finishedAt } = containerView(state, [], '/data');
  expect(listedContainer(state)).toMatchObject({ status, exitCode, startedAt, finishedAt });
  return { status, exitCode, oomKilled, startedAt, finishedAt };
}

test('until a further start has begun, what is seen is how the last run went', () => {
  expect(seen(...once, again)).toEqual({ status: 'exited', exitCode: 28, oomKilled: true, startedAt: began, finishedAt: ended });
});

test('a container that runs again says when it ended before, as dockerd has it', () => {
  expect(seen(...once, again, { type: 'ContainerStarted', container, start: 2, pid: 8, at: later })).toEqual({ status: 'running', exitCode: 0, oomKilled: false, startedAt: later, finishedAt: ended });
});

test('a first start shows nothing of a run', () => {
  expect(seen(...once.slice(0, 2))).toEqual({ status: 'created', exitCode: 0, oomKilled: false, startedAt: '', finishedAt: '' });
});
