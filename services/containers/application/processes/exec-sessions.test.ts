import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CreateExec, ResizeExec } from '#contracts/containers/commands.js';
import { CheckTaskUser } from '#contracts/executor/tasks.js';
import type { ExecConfig } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import type { Bus } from '#libs/messaging/bus.js';
import { execDecider } from '../../domain/exec/exec-decider.js';
import type { ContainerDirectory, Execs } from '../names/container-directory.js';
import { asked } from '../testing/lifecycle-world.js';
import { ExecRuns } from './exec-runs.js';
import { ExecSessions } from './exec-sessions.js';

const config: ExecConfig = { args: ['ls'], env: [], user: '', workingDir: '', terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, privileged: false, detachKeys: '' };

/** The container c, of which this is asked. */
let container: { spec: { id: string; config: object; hostConfig: object; name: string }; status: string; run: { start: number; startedAt: string; over: boolean; changing?: 'pausing' } };
let execs: Execs;
let runs: ExecRuns;
let sessions: ExecSessions;
/** What the executor is asked. */
let launch: ReturnType<typeof vi.fn<() => Promise<unknown>>>;

beforeEach(async () => {
  container = { spec: { id: 'c', name: 'web', config: {}, hostConfig: { NetworkMode: 'none' } }, status: 'running', run: { start: 1, startedAt: '2026-01-01T00:00:00.000000000Z', over: false } };
  launch = vi.fn(() => Promise.resolve({ position: 0, pid: 7 }));
  execs = new Aggregates(new MemoryEventStore(), 'exec', execDecider, { source: 'containers' });
  runs = new ExecRuns(() => true, (exec) => execs.forget(exec));
  const directory = { find: () => container, get: () => container, linksOf: () => [] } as unknown as ContainerDirectory;
  sessions = new ExecSessions(execs, runs, directory, { settled: () => Promise.resolve() }, { request: launch } as unknown as Bus, '/');
  await execs.start();
});
afterEach(() => execs.stop());

const create = (user = ''): Promise<{ id: string }> => sessions.create({ container: 'c', ...config, user } as CreateExec, asked);

test('an exec that is started twice at once is refused the second time, but for the same request', async () => {
  const { id } = await create();
  const answer = Promise.withResolvers<unknown>();
  launch.mockReturnValue(answer.promise);
  const start = (key?: string) => sessions.start({ exec: id, detach: false }, { ...asked, ...(key === undefined ? {} : { idempotencyKey: key }) });
  const first = [start('k'), start('k')];
  await Promise.all([undefined, 'another'].map((key) => expect(start(key)).rejects.toMatchObject({ kind: 'conflict', message: `exec command ${id} is already running` })));
  answer.resolve({ position: 0, pid: 7 });
  const [one, again] = await Promise.all(first);
  expect(one?.endpoint?.ticket).toMatch(/./);
  expect([again, launch.mock.calls.length]).toEqual([one, 1]);
});

test('the same start, sent again when it is over, has its first answer: while it runs its streams are opened anew, and of one that has ended nothing is left to read', async () => {
  const { id } = await create();
  const start = (detach: boolean, key: string) => sessions.start({ exec: id, detach }, { ...asked, idempotencyKey: key });
  await start(true, 'k');
  expect(await start(true, 'k')).toEqual({ terminal: false });
  await expect(start(true, 'another')).rejects.toThrow('is already running');
  launch.mockResolvedValueOnce({ path: '/shim.sock', ticket: 't' });
  expect(await start(false, 'k')).toEqual({ terminal: false, endpoint: { path: '/shim.sock', ticket: 't' } });
  runs.see({ type: 'ExecExited', container: 'c', start: 1, exec: id, exitCode: 0, at: '' });
  expect(await start(true, 'k')).toEqual({ terminal: false });
  await expect(start(false, 'k')).rejects.toMatchObject({ kind: 'conflict', message: `exec command ${id} has already run, started by this very request: it has ended with 0, and what it printed went to who asked first` });
  expect(launch).toHaveBeenCalledTimes(2);
});

test('an exec for a user by name is none where its container does not know him; for any other the executor is not asked', async () => {
  launch.mockRejectedValueOnce(invalid('unable to find user nemo: no matching entries in passwd file'));
  await expect(create('nemo:5')).rejects.toMatchObject({ kind: 'invalid', message: 'unable to find user nemo: no matching entries in passwd file' });
  expect([...execs.entries()]).toEqual([]);
  expect(launch.mock.calls).toMatchObject([[CheckTaskUser, { container: 'c', start: 1, user: 'nemo:5', security: { privileged: false, capAdd: [], capDrop: [], seccomp: 'default' } }, asked]]);
  await create('1000:50');
  await create();
  expect(launch).toHaveBeenCalledOnce();
});

test('keys that nobody can type are looked at once it is known that the container runs', async () => {
  const createWith = (detachKeys: string): Promise<unknown> => sessions.create({ container: 'c', ...config, detachKeys } as CreateExec, asked);
  await expect(createWith('zzz')).rejects.toMatchObject({ kind: 'unclassified', message: 'Invalid escape keys (zzz) provided' });
  container.status = 'exited';
  await expect(createWith('zzz')).rejects.toMatchObject({ kind: 'conflict', message: 'container c is not running' });
});

test('one that has ended has no terminal any more, and one whose start failed never had', async () => {
  const resized = async (...events: readonly ('ExecStarted' | 'ExecExited')[]): Promise<unknown> => {
    const { id } = await create();
    for (const type of events) runs.see({ type, container: 'c', start: 1, exec: id, pid: 7, exitCode: 127, at: '' });
    return sessions.resize({ exec: id, rows: 1, columns: 1 } as ResizeExec, asked).catch((error: unknown) => error);
  };
  expect(await resized('ExecStarted', 'ExecExited')).toMatchObject({ kind: 'not-found', message: 'no such exec' });
  expect(await resized('ExecExited')).toMatchObject({ kind: 'invalid', message: 'exec process is not started' });
});

test('an exec whose start was refused can be started again', async () => {
  sessions.listenForCreated();
  const { id } = await create();
  container.run.changing = 'pausing';
  await expect(sessions.start({ exec: id, detach: false }, asked)).rejects.toThrow('is paused');
  expect(runs.listed('c')).toEqual([id]);
  delete container.run.changing;
  expect(await sessions.start({ exec: id, detach: true }, asked)).toEqual({ terminal: false });
});

test.each([
  ['that goes on', {}, true],
  ['that is over', { over: true }, false],
  ['before this one', { startedAt: '2100-01-01T00:00:00.000000000Z' }, false],
])('an engine that starts knows those that nobody started in the run %s: %o', async (_, run, isListed) => {
  const { id } = await create();
  Object.assign(container.run, run);
  sessions.listenForCreated();
  expect([runs.listed('c'), execs.get(id).state.status]).toEqual(isListed ? [[id], 'present'] : [[], 'absent']);
});
