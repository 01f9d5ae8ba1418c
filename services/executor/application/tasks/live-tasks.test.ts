import { afterEach, expect, test, vi } from 'vitest';
import { unavailable } from '#libs/errors/errors.js';
import { LiveTask } from './live-task.js';
import { LiveTasks } from './live-tasks.js';

afterEach(() => vi.useRealTimers());

test('a task that cannot be told to end, since the log takes nothing, is asked again, and nothing is left of that', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const log = { execute: () => new Promise((_, reject) => void setTimeout(() => reject(unavailable('the log does not answer')), 15_000)) };
  const live = new LiveTasks(...([log, {}, {}, { thaw: () => undefined }, {}, {}, {}, {}, () => undefined] as unknown as ConstructorParameters<typeof LiveTasks>));
  const task = new LiveTask({ container: 'c', start: 1 }, '/nowhere');
  live.adopted(task);
  const uncaught: unknown[] = [];
  const hear = (error: unknown): void => void uncaught.push(error);
  process.on('unhandledRejection', hear);
  try {
    const ended = Promise.allSettled([live.end('c-1', { actor: 'test', correlationId: 'c', causationId: 'd' })]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await ended).toMatchObject([{ reason: { message: 'the log does not answer' } }]);
    await new Promise(setImmediate);
    expect([uncaught, task.listenerCount('exited')]).toEqual([[], 0]);
  } finally {
    process.off('unhandledRejection', hear);
  }
});
