import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type Mock, test, vi } from 'vitest';
import { unavailable } from '#libs/errors/errors.js';
import type { LiveTask, Started } from './live-task.js';
import { TaskAdoption } from './task-adoption.js';

const ports = [{ protocol: 'tcp', hostIp: '', hostPort: 8080, containerPort: 80 }];
let folder: string;
let done: string[];
let outcome: () => Promise<unknown>;
let execute: Mock<(id: string, command: { readonly type: string }) => Promise<unknown>>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-adoption-'));
  mkdirSync(join(folder, 'tasks/c-1'), { recursive: true });
  done = [];
  execute = vi.fn(async (_id, { type }) => (done.push(type), { position: 2 }));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** One start that a predecessor asked for, and of whose end the log says nothing. */
async function adopt(): Promise<void> {
  const state = { status: 'requested', container: 'c', start: 1, published: { ports, address: '172.17.0.2' } };
  const live = {
    begin: (_task: LiveTask, start: () => Promise<Started>) => start(),
    outcomeOf: () => outcome(),
    connect: () => Promise.resolve(),
    dismiss: async () => void done.push('dismiss'),
    recordStart: () => void done.push('recordStart'),
    tidyParents: () => undefined,
  };
  const withdraw = async ({ ports: published }: LiveTask): Promise<void> => void done.push(`withdraw ${published.map(({ hostPort }) => hostPort).join()}`);
  const tasks = { entries: () => [['c-1', state]], execute, position: 1 };
  await new TaskAdoption(...([tasks, live, { all: () => new Set() }, folder, withdraw, () => undefined] as unknown as ConstructorParameters<typeof TaskAdoption>)).adopt();
}

test('a start that comes to nothing gives its ports back, whenever that is known', async () => {
  outcome = () => Promise.resolve({ type: 'failed', step: 1, errno: 2 });
  await adopt();
  expect(done).toEqual(['dismiss', 'withdraw 8080', 'RecordFailed']);
});

test('a container that runs is not ended since the log does not take that it has started', async () => {
  outcome = () => Promise.resolve({ type: 'started', pid: 7, at: '2026-01-01T00:00:00Z' });
  execute.mockRejectedValue(unavailable('the log is full'));
  await adopt();
  expect(done).toEqual(['recordStart']);
});
