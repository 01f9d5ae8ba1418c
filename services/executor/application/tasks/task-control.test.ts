import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import type { Tasks } from '../launch/task-launcher.js';
import type { LiveTasks } from './live-tasks.js';
import { TaskControl } from './task-control.js';

const identity = { container: 'c', start: 1 };

/** One whose execs have not all been reported, and a freezer that takes until it is told. */
function paused() {
  const execs = Promise.withResolvers<void>();
  const freezes: { readonly stopped: () => void; readonly calledOff: AbortSignal }[] = [];
  const told: string[] = [];
  const task = { identity, place: { container: 'c' }, connection: {} };
  const live = { get: () => task, execsReported: () => execs.promise } as unknown as LiveTasks;
  const cgroups = {
    freeze: (_: unknown, calledOff: AbortSignal) => new Promise<void>((stopped) => (told.push('freeze'), freezes.push({ stopped, calledOff }))),
    thaw: () => void told.push('thaw'),
  } as unknown as ContainerCgroups;
  const control = new TaskControl({} as Tasks, live, cgroups, {} as ContainerFiles, {} as StreamServer, () => undefined);
  return { control, execs, freezes, told };
}

test('a pause that is asked again is the one that is under way', async () => {
  const { control, execs, freezes, told } = paused();
  const both = [control.freeze(identity), control.freeze(identity)];
  execs.resolve();
  await setImmediate();
  both.push(control.freeze(identity));
  await setImmediate();
  expect(told).toEqual(['freeze']);
  freezes[0]!.stopped();
  await Promise.all(both);
  const next = control.freeze(identity);
  await setImmediate();
  freezes[1]!.stopped();
  await next;
});

test('once it is to go on nothing freezes it any more, whatever a pause was waiting for', async () => {
  const { control, execs, freezes, told } = paused();
  const early = control.freeze(identity);
  control.thaw(identity);
  await expect(early).rejects.toMatchObject({ kind: 'conflict' });
  execs.resolve();
  await setImmediate();
  expect(told).toEqual(['thaw']);

  const late = control.freeze(identity);
  await setImmediate();
  control.thaw(identity);
  await expect(late).rejects.toMatchObject({ kind: 'conflict' });
  expect(freezes[0]!.calledOff.aborted).toBe(true);

  // The one before has not ended, and is not joined.
  const again = control.freeze(identity);
  await setImmediate();
  freezes[0]!.stopped();
  await setImmediate();
  expect(told).toEqual(['thaw', 'freeze', 'thaw', 'freeze']);
  freezes[1]!.stopped();
  await again;
});

test('limits of a container whose cgroup went with it, before its exit is known, are no failure; of one that runs they are', async () => {
  const gone = 2 ** 22 + 1; // beyond PID_MAX_LIMIT of the kernel
  for (const [pid, outcome] of [[gone, 'changed'], [process.pid, 'ENOENT']] as const) {
    const live = { get: () => ({ identity, place: { container: 'c' }, hasExited: false, pid }) } as unknown as LiveTasks;
    const cgroups = { update: () => { throw new Error('ENOENT'); } } as unknown as ContainerCgroups;
    const control = new TaskControl({} as Tasks, live, cgroups, {} as ContainerFiles, {} as StreamServer, () => undefined);
    expect(await control.update({ ...identity, resources: {} as never }).then(() => 'changed', (error: Error) => error.message)).toBe(outcome);
  }
});
