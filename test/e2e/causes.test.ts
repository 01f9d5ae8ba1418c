import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Commit } from '#libs/event-store/event.js';
import { openLog } from '../engine/operator-log.js';
import { startEngine, type TestEngine } from '../engine/engine.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const docker = (...args: string[]) => engine.docker(args);

/** Of one container: each event's type with the commit that holds it, in the log's order. */
async function logged(id: string): Promise<Map<string, Commit>> {
  const store = await openLog(engine.settings);
  const events = new Map<string, Commit>();
  await store.replay([`berth.event.container.${id}`, 'berth.event.task.>', 'berth.event.exec.>', 'berth.event.pool.>'], 0, (commit) => {
    for (const event of commit.events as readonly { type: string; container?: string; endpoint?: string }[]) {
      if (event.container === id || event.endpoint?.startsWith(id)) events.set(event.type, commit);
    }
  });
  await store.close();
  return events;
}

const correlation = (events: Map<string, Commit>, type: string): string | undefined => events.get(type)?.cause.correlationId;
const forever = ['busybox', 'sh', '-c', 'trap : HUP; while :; do sleep 0.1; done'];

test.each([
  ['stop -t 0', (name: string) => ['stop', '-t', '0', name], 'StopRequested'],
  ['kill', (name: string) => ['kill', name], 'KillRequested'],
  ['rm -f', (name: string) => ['rm', '-f', name], 'RemoveRequested'],
])('docker %s is the cause of the exit, of what follows from it, and of that alone', async (_, command, intent) => {
  const id = (await docker('run', '-d', ...forever)).stdout.trim();
  expect((await docker(...command(id))).code).toBe(0);
  await expect.poll(async () => (await logged(id)).has('EndpointReleased')).toBe(true);
  const events = await logged(id);
  const asked = correlation(events, intent);
  expect(asked).toMatch(/^[0-9a-f-]{36}$/);
  for (const type of ['SignalRequested', 'TaskExited', 'ContainerExited', 'EndpointReleased']) expect(correlation(events, type), type).toBe(asked);
  expect(events.get('TaskExited')?.cause.causationId).toBe(events.get('SignalRequested')?.id);
  expect(events.get('ContainerExited')?.cause.causationId).toBe(events.get('TaskExited')?.id);
  expect(correlation(events, 'TaskStarted')).not.toBe(asked);
  if (intent !== 'RemoveRequested') await docker('rm', id);
});

test('an exit of its own accord says so, though it was sent a signal before that was not meant to end it', async () => {
  const id = (await docker('run', '-d', 'busybox', 'sh', '-c', 'trap "exit 4" HUP; while :; do sleep 0.1; done')).stdout.trim();
  await docker('kill', '-s', 'HUP', id);
  expect((await docker('wait', id)).stdout).toBe('4\n');
  const events = await logged(id);
  expect(events.get('TaskExited')?.cause.causationId).toBe('own-accord');
  expect(correlation(events, 'ContainerExited')).toBe(correlation(events, 'TaskExited'));
  expect([correlation(events, 'TaskStarted'), correlation(events, 'KillRequested')]).not.toContain(correlation(events, 'TaskExited'));
  await docker('rm', id);
});

test('an exec is the doing of who started it', async () => {
  const id = (await docker('run', '-d', ...forever)).stdout.trim();
  await docker('exec', id, 'true');
  await expect.poll(async () => (await logged(id)).has('ExecExited')).toBe(true);
  const events = await logged(id);
  expect(correlation(events, 'ExecStarted')).toMatch(/^[0-9a-f-]{36}$/);
  expect(correlation(events, 'ExecExited')).toBe(correlation(events, 'ExecStarted'));
  expect(correlation(events, 'TaskStarted')).not.toBe(correlation(events, 'ExecStarted'));
  await docker('rm', '-f', id);
});

test('a stop is known as the cause of the exit though the executor was killed between them', async () => {
  const id = (await docker('run', '-d', 'busybox', 'sh', '-c', 'trap "sleep 2; exit 0" TERM; while :; do sleep 0.1; done')).stdout.trim();
  const stopping = docker('stop', '-t', '60', id);
  await expect.poll(async () => (await logged(id)).has('SignalRequested'), { timeout: 5_000 }).toBe(true);
  const asked = correlation(await logged(id), 'StopRequested');
  process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
  expect((await stopping).code).toBe(0);
  expect(correlation(await logged(id), 'TaskExited')).toBe(asked);
  await docker('rm', id);
});
