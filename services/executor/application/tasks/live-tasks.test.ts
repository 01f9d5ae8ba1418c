import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest';
import type { RequestContext } from '#contracts/request.js';
import { conflict, unavailable } from '#libs/errors/errors.js';
import { LiveTask } from './live-task.js';
import { LiveTasks } from './live-tasks.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
let log: { execute: Mock<() => Promise<unknown>> };
let live: LiveTasks;
let task: LiveTask;
/** How often all that a task's cgroup holds was killed. */
let killed: number;
/** What is said of processes that do not end. */
let left: string | undefined;
/** Of each time that a task's file systems were ended, those whose own go on. */
let aborted: (readonly number[])[];
/** Once for each time that a task without a shim is ended. */
let end: Mock<() => Promise<void>>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  killed = 0;
  aborted = [];
  left = undefined;
  end = vi.fn(() => Promise.resolve());
  log = { execute: vi.fn(() => Promise.resolve()) };
  const keepers = { thaw: () => undefined, kill: () => void killed++, left: () => left, abortFileSystems: async (_: LiveTask, others: readonly number[]) => void aborted.push(others), end: () => end() };
  live = new LiveTasks(...([log, { exitCause: () => asked }, { unpublish: () => Promise.resolve() }, keepers, {}, {}, {}, {}, () => undefined] as unknown as ConstructorParameters<typeof LiveTasks>));
  task = new LiveTask({ container: 'c', start: 1 }, '/nowhere');
  live.adopted(task);
});
afterEach(() => vi.useRealTimers());

test('a task that cannot be told to end, since the log takes nothing, is asked again, and nothing is left of that', async () => {
  log.execute.mockImplementation(() => new Promise((_, reject) => void setTimeout(() => reject(unavailable('the log does not answer')), 15_000)));
  const uncaught: unknown[] = [];
  const hear = (error: unknown): void => void uncaught.push(error);
  process.on('unhandledRejection', hear);
  try {
    const ended = Promise.allSettled([live.end('c-1', asked)]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await ended).toMatchObject([{ reason: { message: 'the log does not answer' } }]);
    await new Promise(setImmediate);
    expect([uncaught, task.listenerCount('exited')]).toEqual([[], 0]);
  } finally {
    process.off('unhandledRejection', hear);
  }
});

test('whoever asks for the end of a task again and again hears in time that its shim does not answer, and the log has it once', async () => {
  const answers: unknown[] = [];
  for (let ask = 0; ask < 21; ask++) {
    live.end('c-1', asked).catch((error: Error) => answers.push(error.message));
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(answers).toHaveLength(20);
  expect(answers[0]).toMatch(/^the shim of container c does not answer/);
  expect(log.execute).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(10_000);
});

test('whoever has a task ended whose processes do not end hears which', async () => {
  left = '42 (cat), which waits in the kernel';
  const ended = expect(live.end('c-1', asked)).rejects.toThrow('container c was killed, and has not ended within 10 s. Of its processes there is still 42 (cat), which waits in the kernel');
  await vi.advanceTimersByTimeAsync(10_000);
  await ended;
});

test('a killed task whose first process does not end has all others killed, on which it may wait', async () => {
  const ended = live.end('c-1', asked);
  await vi.advanceTimersByTimeAsync(1_900);
  expect(killed).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(killed).toBe(1);
  task.hasExited = true;
  task.emit('exited');
  await ended;
  live.insist(task);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([killed, aborted]).toEqual([1, []]);
});

test('a killed task that has not ended though all of its processes were killed has the file systems ended that it mounted, for which they may wait', async () => {
  const other = Object.assign(new LiveTask({ container: 'd', start: 1 }, '/nowhere'), { pid: 42 });
  live.adopted(other);
  live.adopted(new LiveTask({ container: 'e', start: 1 }, '/nowhere'));
  live.insist(task);
  await vi.advanceTimersByTimeAsync(3_900);
  expect(aborted).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(aborted).toEqual([[42]]);
});

test('a task that has lost its shim is over once its processes have ended, however long that takes', async () => {
  const [ended, slow] = [Promise.withResolvers<unknown>(), Promise.withResolvers<never>()];
  log.execute.mockImplementation((...command: unknown[]) => Promise.resolve(ended.resolve(command[1])));
  end.mockImplementationOnce(() => slow.promise);
  const recovered = live.recover(task);
  await vi.waitFor(() => expect(end).toHaveBeenCalledTimes(1));
  await vi.advanceTimersByTimeAsync(4_000);
  expect(aborted).toEqual([[]]);
  slow.reject(new Error('processes do not end: 42'));
  expect(await ended.promise).toMatchObject({ type: 'RecordExited', exitCode: 255, keeperLost: true });
  await recovered;
});

test('who asks for a start again within some seconds of its failure hears of that, and is not another attempt; a log that was away is no such failure', async () => {
  const failing = (start: number, failure: Error): Promise<unknown> => live.begin(new LiveTask({ container: 'c', start }, '/nowhere'), () => Promise.reject(failure)).catch(() => undefined);
  await failing(2, conflict('cannot join network'));
  await failing(3, unavailable('the log does not answer'));
  await new Promise(setImmediate);
  await expect(live.startOf('c-2')).rejects.toThrow('cannot join network');
  expect(live.startOf('c-3')).toBeUndefined();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(live.startOf('c-2')).toBeUndefined();
});
