import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentialsPath } from '#libs/settings/credentials.js';
import { frontProcess, SERVICES, type ServiceName } from '#libs/settings/services.js';
import { asProcess } from '../engine/as-process.js';
import { startEngine, type TestEngine } from '../engine/engine.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const pidOf = (process: 'supervisor' | 'engine' | 'executor' | 'nats' | ServiceName): number => {
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

test("in one process, too, nobody but root and nats-server's user reads what that has, and a password is no group's", () => {
  const pid = pidOf('engine');
  expect(read(pid, credentialsPath(engine.settings, 'gateway'))).not.toMatch(REFUSED);
  for (const user of ['executor', 'operator']) expect(read(pid, credentialsPath(engine.settings, user))).toMatch(REFUSED);
  expect(read(pid, join(engine.settings.runRoot, 'nats.conf'))).toMatch(REFUSED);
  expect(asProcess(pid, 'ls', join(engine.settings.dataRoot, 'nats'))).toMatch(REFUSED);
  expect(asProcess(pid, 'ls', `/proc/${pidOf('nats')}/fd`)).toMatch(REFUSED);
  for (const user of ['gateway', 'images', 'executor']) expect(statSync(credentialsPath(engine.settings, user)).mode & 0o777).toBe(0o400);
});

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
});

test('the data of a version before this, whose nats-server and services were one user with one folder of state, are taken over', async () => {
  await docker('create', '--name', 'before', 'busybox', 'true');
  await engine.down();
  const { dataRoot, runRoot, user } = engine.settings;
  execFileSync('chown', ['-R', `${user}:${user}`, join(dataRoot, 'nats'), join(dataRoot, 'state')]);
  writeFileSync(join(dataRoot, 'state/container.snapshot'), 'old');
  for (const name of readdirSync(join(dataRoot, 'secrets'))) chmodSync(join(dataRoot, 'secrets', name), 0o640);
  rmSync(join(runRoot, 'pids/arrangement'));
  // Its run root was for the sockets' group to write in, and had the sockets of all.
  rmSync(join(runRoot, 'processes'), { recursive: true });
  mkdirSync(join(runRoot, 'ready'));
  chmodSync(runRoot, 0o3775);
  for (const name of ['docker.sock', 'telemetry-engine.sock', 'images.sock', 'ready/engine']) writeFileSync(join(runRoot, name), '');
  execFileSync('chown', ['-R', `${user}:${user}`, ...['docker.sock', 'telemetry-engine.sock', 'images.sock'].map((name) => join(runRoot, name))]);
  await engine.up();
  expect(await docker('ps', '-a', '--format', '{{.Names}}')).toBe('before');
  expect(await docker('run', '--rm', 'busybox', 'echo', 'on')).toBe('on');
  expect(readdirSync(runRoot).filter((name) => /^(ready|images|telemetry)/.test(name))).toEqual([]);
  expect(readdirSync(join(dataRoot, 'state')).sort()).toEqual([...SERVICES].sort());
  for (const name of readdirSync(join(dataRoot, 'secrets'))) expect(statSync(join(dataRoot, 'secrets', name)).mode & 0o777).toBe(0o400);
});
