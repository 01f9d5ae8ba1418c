import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ BERTH_UNDO_SECONDS: '0' });
  await engine.loadBusybox();
}, patience(300_000));
afterAll(() => engine?.stop(), patience(180_000));

const docker = (...args: string[]) => engine.docker(args);
const shown = async (format: string, container: string): Promise<string> => (await docker('inspect', '--format', format, container)).stdout.trim();

test('what was asked for while the log stalled is done when it is back, though who asked was told that it did not answer', async () => {
  await docker('create', '--name', 'starting', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'stopping', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'again', '--restart', 'always', 'busybox', 'false');
  const restarts = async (): Promise<number> => Number(await shown('{{.RestartCount}}', 'again'));
  // From then on each pause is longer than what it takes to stop the log.
  await expect.poll(restarts, { timeout: patience(20_000), interval: 50 }).toBeGreaterThan(3);
  await expect.poll(() => shown('{{.State.Status}}', 'again'), { timeout: patience(20_000), interval: 10 }).toBe('restarting');
  const nats = engine.pid('nats') ?? 0;
  process.kill(nats, 'SIGSTOP');
  const before = await restarts();
  try {
    // One after the other: by then the restart was tried in vain, too.
    expect(await docker('start', 'starting')).toMatchObject({ code: 1, stderr: expect.stringContaining('the log did not answer') });
    expect(await docker('stop', '-t', '1', 'stopping')).toMatchObject({ code: 1, stderr: expect.stringContaining('the log did not answer') });
  } finally {
    process.kill(nats, 'SIGCONT');
  }
  await expect.poll(() => shown('{{.State.Status}}', 'starting'), { timeout: patience(20_000) }).toBe('running');
  expect(await docker('exec', 'starting', 'echo', 'inside')).toMatchObject({ stdout: 'inside\n' });
  await expect.poll(() => shown('{{.State.Status}}', 'stopping'), { timeout: patience(20_000) }).toBe('exited');
  await expect.poll(restarts, { timeout: patience(40_000) }).toBeGreaterThan(before + 1);
  expect(await docker('rm', '-f', 'starting', 'stopping', 'again')).toMatchObject({ code: 0 });
}, patience(300_000));
