import { expect, test } from 'vitest';
import type { LaunchExec } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import type { LiveTask } from '../tasks/live-task.js';
import { noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { ExecLauncher } from './exec-launcher.js';

const asked: RequestContext = { actor: 'me', correlationId: 'c', causationId: 'c' };
const exec = { container: 'c'.repeat(64), start: 1, exec: 'e'.repeat(64) } as LaunchExec;

test('a refusal for which no shim was asked is not what a later start of the exec hears', async () => {
  let task: Partial<LiveTask> = { identity: { container: exec.container, start: 1 }, execs: new Map() };
  const live = { get: () => task };
  const launcher = new ExecLauncher(...([{ position: 7 }, live, {}, {}, {}, {}, {}, undefined] as unknown as ConstructorParameters<typeof ExecLauncher>));
  await expect(launcher.launch(exec, asked)).rejects.toMatchObject({ kind: 'conflict', message: `container ${exec.container} is not running` });
  // Connected again, to a shim that knows the exec.
  task = { ...task, connection: {} as NonNullable<LiveTask['connection']>, execs: new Map([[exec.exec, { pid: 42, at: '' }]]) };
  expect(await launcher.launch(exec, asked)).toEqual({ pid: 42, position: 7 });
});

test("a predecessor's exec that is over is found among the last of the log, whatever its container has on it", async () => {
  const store = new MemoryEventStore();
  const events = [{ type: 'ExecStarted', container: exec.container, start: 1, exec: exec.exec, pid: 42 }] as const;
  await store.append(`berth.event.task.${exec.container}-1`, noHead, events, asked);
  store.read = () => Promise.reject(new Error('all commits of the container'));
  const task: Partial<LiveTask> = { identity: { container: exec.container, start: 1 }, execs: new Map(), isAdopted: true, connection: {} as NonNullable<LiveTask['connection']> };
  const launcher = new ExecLauncher(...([{ position: 7 }, { get: () => task }, {}, {}, {}, store, {}, undefined] as unknown as ConstructorParameters<typeof ExecLauncher>));
  expect(await launcher.launch(exec, asked)).toEqual({ pid: 42, position: 7 });
});

test('an exec whose plan cannot be written waits for no shim: nobody would hear that none answered', async () => {
  const task: Partial<LiveTask> = { identity: { container: exec.container, start: 1 }, execs: new Map(), runtime: 'runc', connection: {} as NonNullable<LiveTask['connection']> };
  const waited: string[] = [];
  const live = { get: () => task, outcomeOf: (_task: unknown, id: string) => (waited.push(id), new Promise(() => undefined)) };
  const ended: unknown[] = [];
  const tasks = { position: 7, execute: async (_id: string, command: unknown) => void ended.push(command) };
  const runtimes = { execPlan: async () => ({}), forgetExec: async () => undefined };
  const launcher = new ExecLauncher(...([tasks, live, { execAsked: () => undefined }, {}, {}, {}, runtimes, undefined] as unknown as ConstructorParameters<typeof ExecLauncher>));
  await expect(launcher.launch({ ...exec, tickets: [], security: {} } as unknown as LaunchExec, asked)).rejects.toThrow('is no unsigned 32-bit number');
  expect(waited).toEqual([]);
  expect(ended).toMatchObject([{ type: 'RecordExecExited', exec: exec.exec, neverStarted: true }]);
});
