import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning, type ProcessIdentity, runningProcess } from '../../services/engine/supervisor/process-file.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** Two seconds, and what a machine takes that does other things too. */
const SOON_MS = 2_500;

/** Services that are stopped while nats-server is away, by either signal. */
export function testStopWithoutLog(how: 'SIGKILL' | 'SIGSTOP'): void {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await startEngine();
    await engine.loadBusybox();
  }, patience(120_000));
  afterEach(() => engine?.stop(), patience(120_000));

  const docker = (...args: string[]) => engine.docker(args);

  function processOf(name: string): ProcessIdentity {
    const process = runningProcess(`${engine.settings.runRoot}/pids/${name}`);
    if (process === undefined) throw new Error(`${name} does not run`);
    return process;
  }

  /** How long it takes from SIGTERM to its end. */
  async function stopped(identity: ProcessIdentity): Promise<number> {
    const began = performance.now();
    process.kill(identity.pid, 'SIGTERM');
    await expect.poll(() => isRunning(identity), { timeout: patience(60_000), interval: 10 }).toBe(false);
    return performance.now() - began;
  }

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + patience(30_000); !(await holds()); ) if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
  }

  test(`services end soon while the log is away by ${how}, and what ended meanwhile is told when it is back`, async () => {
    await docker('run', '-d', '--name', 'ending', '--network', 'none', 'busybox', 'sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; exit 3');
    await docker('run', '-d', '--name', 'staying', '--network', 'none', 'busybox', 'sleep', '1000');
    const pid = Number((await docker('inspect', '--format', '{{.State.Pid}}', 'ending')).stdout);
    const supervisor = processOf('supervisor');
    const [nats, executor, services] = [processOf('nats'), processOf('executor'), processOf('engine')];
    // Else it brings the log back.
    process.kill(supervisor.pid, 'SIGSTOP');
    try {
      process.kill(nats.pid, how);
      writeFileSync(`/proc/${pid}/root/go`, '');
      await expect.poll(() => existsSync(`/proc/${pid}/root/go`), { timeout: patience(10_000) }).toBe(false);
      const removed = docker('rm', '-f', 'staying');
      expect(await stopped(services)).toBeLessThan(patience(SOON_MS));
      expect(await stopped(executor)).toBeLessThan(patience(SOON_MS));
      await removed;
    } finally {
      if (how === 'SIGSTOP') process.kill(nats.pid, 'SIGCONT');
      process.kill(supervisor.pid, 'SIGCONT');
    }
    await until('the engine is back', async () => (await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'ending')).stdout === 'exited 3\n');
    expect(await docker('rm', '-f', 'ending', 'staying')).toMatchObject({ code: 0 });
  }, patience(120_000));
}
