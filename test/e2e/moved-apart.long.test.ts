import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentialsPath } from '#libs/settings/credentials.js';
import { frontProcess, type ServiceName } from '#libs/settings/services.js';
import { asProcess } from '../engine/as-process.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const pidOf = (process: 'supervisor' | 'engine' | 'executor' | ServiceName): number => {
  const pid = engine.pid(process);
  if (pid === undefined) throw new Error(`${process} does not run`);
  return pid;
};
const docker = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await engine.docker(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
};
const read = (pid: number, path: string): string => asProcess(pid, 'cat', path);
const REFUSED = /^refused: .*Permission denied/;

test('services move apart and back under a container that runs, though the supervisor was killed and left the processes of before', async () => {
  const id = await docker('run', '-d', '--name', 'steady', '-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo begun > /data/file; sleep 1000');
  const containersPid = await docker('inspect', '--format', '{{.State.Pid}}', id);
  const executor = pidOf('executor');
  for (const apart of ['gateway', 'all', 'images,gateway', '']) {
    const former = engine.pid('engine');
    process.kill(pidOf('supervisor'), 'SIGKILL');
    process.kill(pidOf(frontProcess(engine.settings) as 'engine' | 'gateway'), 'SIGKILL'); // leaves its sockets
    await engine.up({ BERTH_APART: apart });
    expect(engine.pid('engine')).not.toBe(former);
    expect(engine.pid('engine') === undefined).toBe(apart === 'all');
    expect(engine.pid('gateway') !== undefined).toBe(apart !== '');
    expect(pidOf('executor')).toBe(executor);
    // Both ways: what one user wrote the next one reads, and writes.
    await engine.loadBusybox();
    expect(await docker('run', '--rm', '-v', 'kept:/data', 'busybox', 'cat', '/data/file')).toBe('begun');
    expect(await docker('exec', 'steady', 'cat', '/data/file')).toBe('begun');
    expect(await docker('inspect', '--format', '{{.State.Pid}}', id)).toBe(containersPid);
    expect((await fetch(`http://127.0.0.1:${engine.settings.metricsPort}/readyz`)).status).toBe(200);
    if (apart === 'gateway') {
      // In the sockets' group, which the others have as their own.
      expect(read(pidOf('gateway'), credentialsPath(engine.settings, 'gateway')).trim()).toBe(readFileSync(credentialsPath(engine.settings, 'gateway'), 'utf8').trim());
      expect(read(pidOf('gateway'), credentialsPath(engine.settings, 'containers'))).toMatch(REFUSED);
      expect(read(pidOf('engine'), credentialsPath(engine.settings, 'gateway'))).toMatch(REFUSED);
    }
  }
  await docker('rm', '-f', 'steady');
}, patience(300_000));
