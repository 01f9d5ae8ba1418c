import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { type Cause, type DomainEvent, noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { containerDecider } from '../../domain/container/container-decider.js';
import { isPresent } from '../../domain/container/container-state.js';
import type { Containers } from '../names/container-directory.js';
import { ExecRuns } from '../processes/exec-runs.js';
import type { ContainerLifecycle } from './container-lifecycle.js';
import { TaskWatch } from './task-watch.js';

const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
const at = '2026-01-01T00:00:00.000000000Z';
const created = { type: 'ContainerCreated', container: 'c1', name: 'web', config: {}, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [], at };
const requested = { type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at };
const started = { type: 'ContainerStarted', container: 'c1', start: 1, pid: 7, at };

let folder: string;
let store: MemoryEventStore;
let containers: Containers;
let watch: TaskWatch;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-watch-'));
  store = new MemoryEventStore();
  containers = new Aggregates(store, 'container', containerDecider, { source: 'containers' });
  const lifecycle = {} as ContainerLifecycle; // asked for nothing of what is tried here
  watch = new TaskWatch(store, containers, lifecycle, new ExecRuns(() => true, () => undefined), join(folder, 'snapshot'), (error) => expect.unreachable(String(error)));
});
afterEach(async () => {
  await Promise.all([watch.stop(), containers.stop()]);
  rmSync(folder, { recursive: true });
});

async function afterTaskFailed(...history: readonly [DomainEvent, ...DomainEvent[]]): Promise<unknown> {
  await store.append('berth.event.container.c1', noHead, history, cause);
  await containers.start();
  await watch.start();
  await store.append('berth.event.task.c1-1', noHead, [{ type: 'TaskRequested', container: 'c1', start: 1, at } as DomainEvent, { type: 'TaskFailed', container: 'c1', start: 1, error: 'no shim', at } as DomainEvent], cause);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  const { state } = containers.get('c1');
  return !isPresent(state) ? state : { status: state.status, exitCode: state.run.exitCode };
}

test('a container that was said to run, and whose start came to nothing, has ended, nobody knows how', async () => {
  expect(await afterTaskFailed(created, requested, started)).toEqual({ status: 'exited', exitCode: 255 });
});

test('a start that fails is told by who asked for it', async () => {
  expect(await afterTaskFailed(created, requested)).toEqual({ status: 'starting', exitCode: 0 });
});
