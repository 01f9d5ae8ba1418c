import { expect, onTestFinished, test, vi } from 'vitest';
import type { LaunchExec } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { ACK_EXIT, checkTarget, EXEC, frame, SIGNAL_EXEC } from '../../adapters/shim/shim-frames.js';
import { LiveTask } from '../tasks/live-task.js';
import { noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { ExecLauncher } from './exec-launcher.js';

const asked: RequestContext = { actor: 'me', correlationId: 'c', causationId: 'c' };
/** Beyond PID_MAX_LIMIT of the kernel. */
const NOBODY = 2 ** 22 + 1;
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
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000); // an executor that has just started
  onTestFinished(() => now.mockRestore());
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

/** A container whose shim does what `outcome` says with what it is asked. */
function checking(outcome: object) {
  const task = new LiveTask({ container: exec.container, start: 1 }, '/nowhere');
  const sent: Buffer[] = [];
  task.connection = { send: (bytes: Buffer) => void sent.push(bytes) } as unknown as NonNullable<LiveTask['connection']>;
  task.runtime = 'runc'; // whose plan needs no host
  task.pid = process.pid;
  const targets: string[] = [];
  const live = { get: () => task, outcomeOf: (_task: unknown, target: string) => (targets.push(target), Promise.resolve(outcome)) };
  const unwritten = () => expect.unreachable('the log has nothing of a health check');
  const settings = { taskDirectory: '', logPath: '', logMaxBytes: 0, logMaxFiles: 0, terminal: false, rows: 0, columns: 0, openStdin: false, stdinOnce: true, socketGroup: 0, socketMode: 0, tickets: [], shimCgroupPaths: [], namespaces: 0, cgroupPaths: [] };
  const runtimes = { execPlan: async () => ({ version: 1, steps: [], settings }), failure: async () => undefined, forgetExec: async () => undefined };
  const launcher = new ExecLauncher(...([{ position: 7, execute: unwritten }, live, { execAsked: unwritten }, {}, {}, {}, runtimes, undefined] as unknown as ConstructorParameters<typeof ExecLauncher>));
  return { task, sent, targets, launch: (id: string) => launcher.launch({ ...exec, exec: id, check: true, tickets: [], security: {}, process: { args: ['true'] } } as unknown as LaunchExec, asked) };
}

test('a health check is none of the execs that the log has: its shim knows it by another name, and by that the one before it is ended', async () => {
  const { task, sent, targets, launch } = checking({ type: 'started', pid: 42, at: '' });
  task.checks.started('older', 41, '');
  expect(await launch('newer')).toEqual({ pid: 42, position: 7 });
  expect(targets).toEqual([checkTarget('newer')]);
  expect(sent[0]).toEqual(frame(SIGNAL_EXEC, checkTarget('older'), 9));
  expect(sent[1]?.subarray(4, 5)).toEqual(Buffer.of(EXEC));
  // Asked for again of an executor that found it running.
  task.checks.started('found', 43, '');
  expect(await launch('found')).toEqual({ pid: 43, position: 7 });
  expect(sent).toHaveLength(2);
});

test('a health check that cannot be executed has ended, for whoever asks', async () => {
  const { task, sent, launch } = checking({ type: 'failed', step: 0, errno: 2 });
  await expect(launch('lost')).rejects.toMatchObject({ kind: 'internal' });
  expect(await task.checks.ended('lost')).toMatchObject({ exitCode: 126 });
  expect(sent.at(-1)).toEqual(frame(ACK_EXIT, checkTarget('lost')));
});

test('a health check for which its shim has no room says nothing of the container', async () => {
  for (const step of [0xfffffffb, 0xfffffffa]) await expect(checking({ type: 'failed', step, errno: 11 }).launch('crowded')).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('there can be no more') });
});

test('who comes while the container ends hears that it does not run, before its exit is known', async () => {
  const { task, launch } = checking({ type: 'failed', step: 0, errno: 3 });
  task.pid = NOBODY;
  await expect(launch('late')).rejects.toMatchObject({ kind: 'conflict', message: `container ${exec.container} is not running` });
});
