import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KeptContainer } from '../../domain/container/container-state.js';
import { unavailable } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { Containers } from '../names/container-directory.js';
import { KeptExpiry } from './kept-expiry.js';

type OnCommit = Parameters<Containers['onCommit']>[0];

let hear: OnCommit;
let all: ReturnType<typeof vi.fn<() => KeptContainer[]>>;
let discard: ReturnType<typeof vi.fn<() => Promise<never>>>;
let discardFiles: ReturnType<typeof vi.fn<() => Promise<void>>>;
let expiry: KeptExpiry;

const overdue = (status: KeptContainer['status']): KeptContainer => ({ status, until: new Date(Date.now() - 1_000).toISOString(), before: { spec: { id: 'c1' } } }) as KeptContainer;

beforeEach(() => {
  vi.useFakeTimers();
  all = vi.fn(() => []);
  discard = vi.fn(() => Promise.reject(unavailable('the log takes nothing')));
  discardFiles = vi.fn(() => Promise.resolve());
  const containers = {
    onCommit: (listener: OnCommit) => {
      hear = listener;
      return () => undefined;
    },
    onUnanswered: () => () => undefined,
    entries: () => new Map().entries(),
  };
  expiry = new KeptExpiry(containers, { all, discard, discardFiles, goOnRestoring: () => new Promise(() => undefined) }, { isDiskShort: () => false }, { request: () => Promise.resolve({}) } as unknown as Bus, () => undefined);
});
afterEach(() => {
  expiry.stop();
  vi.useRealTimers();
});

test('one that is on its way back past its time is not looked at over and over', async () => {
  all.mockReturnValue([overdue('restoring')]);
  expiry.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(all.mock.calls.length).toBeLessThan(10);
  expect(discard).not.toHaveBeenCalled();
});

test('what is due and cannot be let go of is tried again, with pauses', async () => {
  all.mockReturnValue([overdue('kept')]);
  expiry.start();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(discard.mock.calls.length).toBeGreaterThan(1);
  expect(discard.mock.calls.length).toBeLessThan(30);
});

test('files of one that was discarded go in the end, though the executor was away for whoever asked', async () => {
  vi.useRealTimers();
  discardFiles.mockRejectedValueOnce(unavailable('nobody listens')).mockRejectedValueOnce(unavailable('nobody listens'));
  expiry.start();
  const commit = { events: [{ type: 'ContainerDiscarded', container: 'c1', reason: 'asked', at: '' }], id: 'e', cause: { actor: 'test', correlationId: 'c', causationId: 'd' } } as unknown as Parameters<OnCommit>[1];
  hear('c1', commit, { status: 'removed' } as unknown as Parameters<OnCommit>[2], true);
  await expect.poll(() => discardFiles.mock.calls.length).toBe(3);
});
