import { afterEach, expect, test, vi } from 'vitest';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { containerDecider } from '../../domain/container/container-decider.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import { ContainerDirectory, type Names } from './container-directory.js';

afterEach(() => void vi.useRealTimers());

test('who waits for a position that the log never comes to is told so, and not waited for any more', async () => {
  vi.useFakeTimers();
  const containers = new Aggregates(new MemoryEventStore(), 'container', containerDecider, { source: 'containers' });
  await containers.start();
  const waiting = expect(new ContainerDirectory(containers, {} as Names, {} as ExecRuns, '/').waitFor(5)).rejects.toMatchObject({ kind: 'unavailable', message: 'the log has not reached position 5' });
  await vi.advanceTimersByTimeAsync(10_000);
  await waiting;
  await containers.stop();
});
