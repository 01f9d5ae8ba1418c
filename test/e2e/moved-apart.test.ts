import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentialsPath } from '#libs/settings/credentials.js';
import { SERVICES } from '#libs/settings/services.js';
import { asProcess } from '../engine/as-process.js';
import { startEngine, type TestEngine } from '../engine/engine.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const pidOf = (process: 'engine' | 'nats'): number => {
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
