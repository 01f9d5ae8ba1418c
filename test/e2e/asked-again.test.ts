import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** A launch is asked for again after half a second: where that is soon, whoever is asked may be in the middle of anything, or done. */
async function withEngine(failpoints: string, use: (engine: TestEngine) => Promise<void>): Promise<void> {
  const engine = await startEngine({ BERTH_FAILPOINTS: failpoints });
  try {
    await engine.loadBusybox();
    await use(engine);
  } finally {
    await engine.stop(); // rejects where a shim is left
  }
}

const shimsOf = ({ settings }: TestEngine): number =>
  readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').startsWith(`berth-shim\0${settings.runRoot}/tasks/`);
    } catch {
      return false; // no process, or one that has ended
    }
  }).length;

test('a start that is asked for again before it is on record is the same start', { timeout: patience(120_000) }, () =>
  // The executor's second commit is the start. The first answer is late.
  withEngine('append.before@2=delay:3000,reply.executor.launch-task@1=delay:3000', async (engine) => {
    expect(await engine.docker(['run', '-d', '--name', 'once', '--network', 'none', 'busybox', 'sh', '-c', 'echo begun; exec sleep 1000'])).toMatchObject({ code: 0, stderr: '' });
    expect((await engine.docker(['exec', 'once', 'echo', 'inside'])).stdout).toBe('inside\n');
    expect((await engine.docker(['logs', 'once'])).stdout).toBe('begun\n');
    expect(shimsOf(engine)).toBe(1);
  }));

test('a start that is asked for again while it is undone has failed once', { timeout: patience(120_000) }, () =>
  withEngine('task.undone@1=delay:3000', async (engine) => {
    expect(await engine.docker(['run', '--name', 'nothing', 'busybox', '/no/such/file'])).toMatchObject({ code: 127 });
    expect(shimsOf(engine)).toBe(0);
    expect((await engine.docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'nothing'])).stdout).toBe('created 127\n');
  }));

test('an exec that is asked for again when it has ended has run once', { timeout: patience(120_000) }, () =>
  withEngine('reply.executor.launch-exec@1=delay:3000', async (engine) => {
    await engine.docker(['run', '-d', '--name', 'counted', '--network', 'none', 'busybox', 'sleep', '1000']);
    // Detached: nothing of it waits for a reader.
    expect(await engine.docker(['exec', '-d', 'counted', 'sh', '-c', 'echo once >> /tmp/runs'])).toMatchObject({ code: 0 });
    expect((await engine.docker(['exec', 'counted', 'cat', '/tmp/runs'])).stdout).toBe('once\n');
  }));
