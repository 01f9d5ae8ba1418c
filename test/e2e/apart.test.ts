import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { credentialsPath, readCredentials } from '#libs/settings/credentials.js';
import { readyFile } from '#libs/settings/run-root.js';
import { SERVICES, type ServiceName } from '#libs/settings/services.js';
import { refused } from '../credentials/refused.js';
import { asProcess } from '../engine/as-process.js';
import { berthOf } from '../engine/berth-commands.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ BERTH_APART: 'all' });
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const docker = (...args: string[]) => engine.docker(args);
const out = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await docker(...args);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout.trim();
};
const pidOf = (process: ServiceName | 'nats' | 'supervisor'): number => {
  const pid = engine.pid(process);
  if (pid === undefined) throw new Error(`${process} does not run`);
  return pid;
};
const uidOf = (pid: number): number => statSync(`/proc/${pid}`).uid;
const port = (path: string) => fetch(`http://127.0.0.1:${engine.settings.metricsPort}${path}`);

test('there is no engine process, and each service is a user of its own', () => {
  expect(engine.pid('engine')).toBeUndefined();
  const uids = [...SERVICES, 'nats' as const].map((name) => uidOf(pidOf(name)));
  expect(new Set(uids).size).toBe(6);
  expect(uids).not.toContain(0);
});

describe.each(SERVICES)('the process of %s', (service) => {
  test("can read its own password and no other's, and neither nats-server's configuration nor the log's files", () => {
    const pid = pidOf(service);
    for (const user of [...SERVICES, 'executor', 'operator']) {
      const read = asProcess(pid, 'cat', credentialsPath(engine.settings, user));
      if (user === service) expect(read.trim()).toBe(readFileSync(credentialsPath(engine.settings, user), 'utf8').trim());
      else expect(read).toMatch(/^refused: .*Permission denied/);
    }
    expect(asProcess(pid, 'cat', join(engine.settings.runRoot, 'nats.conf'))).toMatch(/Permission denied/);
    expect(asProcess(pid, 'ls', join(engine.settings.dataRoot, 'nats'))).toMatch(/Permission denied/);
  });

  test("can look into no other's memory, state or descriptors", () => {
    for (const other of SERVICES.filter((name) => name !== service)) {
      expect(asProcess(pidOf(service), 'cat', `/proc/${pidOf(other)}/environ`)).toMatch(/Permission denied/);
      expect(asProcess(pidOf(service), 'ls', `/proc/${pidOf(other)}/fd`)).toMatch(/Permission denied/);
      expect(asProcess(pidOf(service), 'ls', join(engine.settings.dataRoot, 'state', other))).toMatch(/Permission denied/);
    }
  });
});

/** Of each, what only another may do. */
const FOREIGN: Readonly<Record<ServiceName, readonly string[]>> = {
  gateway: ['berth.command.executor.launch-task', 'berth.event.container.x', 'berth.event.image.x'],
  containers: ['berth.event.task.x', 'berth.event.access.x', 'berth.event.pool.x'],
  images: ['berth.command.containers.create', 'berth.event.container.x', 'berth.event.volume.x'],
  networks: ['berth.command.containers.start', 'berth.event.container.x', 'berth.event.task.x'],
  volumes: ['berth.command.images.load', 'berth.event.image.x', 'berth.event.network.x'],
};

test.each(SERVICES)("the running engine refuses to %s what is another's", async (service) => {
  const tried = FOREIGN[service];
  expect(await refused(readCredentials(engine.settings, service), 'publish', tried)).toEqual(tried);
});

test('docker run, exec, logs -f, volumes and rm', async () => {
  await out('volume', 'create', 'kept');
  expect(await out('run', '--rm', '-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo written > /data/file; echo hello')).toBe('hello');
  await out('run', '-d', '--name', 'web', '-v', 'kept:/data', '-p', '127.0.0.1::80', 'busybox', 'sh', '-c', 'cat /data/file; httpd -f -p 80');
  expect(await out('exec', 'web', 'cat', '/data/file')).toBe('written');
  await expect.poll(() => out('logs', 'web')).toBe('written');
  await out('rm', '-f', 'web');
  await out('volume', 'rm', 'kept');
});

test.each(SERVICES)('%s is killed under a container that runs: it comes back, and all goes on', async (service) => {
  const id = await out('run', '-d', '--name', 'steady', '-v', '/data', 'busybox', 'sh', '-c', 'trap "exit 7" TERM; echo begun; while :; do sleep 0.1; done');
  const containersPid = await out('inspect', '--format', '{{.State.Pid}}', id);
  const pid = pidOf(service);
  process.kill(pid, 'SIGKILL');
  // Wholly: a zombie's other threads hold its sockets, and what is asked there is lost.
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 20_000, interval: 5 }).toBe(false);
  if (service === 'gateway') await expect.poll(async () => (await docker('version')).code, { timeout: 20_000 }).toBe(0);
  // Asked while it is coming back: whoever needs it waits.
  expect(await out('run', '--rm', '-v', '/more', 'busybox', 'echo', 'on')).toBe('on');
  expect(await out('exec', 'steady', 'echo', 'inside')).toBe('inside');
  expect(await out('inspect', '--format', '{{.State.Pid}}', id)).toBe(containersPid);
  const followed = firstLines(2, 'logs', '-f', 'steady');
  await out('exec', 'steady', 'sh', '-c', 'echo more > /proc/1/fd/1');
  expect(await followed).toEqual(['begun', 'more']);
  await out('stop', 'steady');
  expect(await out('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', id)).toBe('exited 7');
  await out('rm', '-v', 'steady');
  expect(await out('volume', 'ls', '-q')).toBe('');
});

test('who waits for a container hears of its end, though the containers service was killed meanwhile; a command that died with it fails soon', async () => {
  const ran = docker('run', '--name', 'awaited', 'busybox', 'sh', '-c', 'until [ -e /go ]; do sleep 0.1; done; exit 5');
  await expect.poll(async () => (await docker('inspect', '--format', '{{.State.Running}}', 'awaited')).stdout, { timeout: 20_000 }).toBe('true\n');
  const waits = docker('wait', 'awaited');
  process.kill(pidOf('containers'), 'SIGSTOP');
  const lost = http(engine.socket, 'POST', '/containers/awaited/pause');
  const answered = await Promise.race([lost, sleep(500)]); // it has to be in the hands of the process that dies
  expect(answered).toBeUndefined();
  process.kill(pidOf('containers'), 'SIGKILL');
  expect(await lost).toMatchObject({ status: 503, text: expect.stringMatching(/the containers service ended before it answered/) as string });
  await out('exec', 'awaited', 'touch', '/go');
  expect((await ran).code).toBe(5);
  expect((await waits).stdout).toBe('5\n');
  await out('rm', 'awaited');
});

test('one port shows metrics and readiness of all of them', async () => {
  await out('create', '--name', 'shown', 'busybox', 'true');
  await expect.poll(async () => (await port('/readyz')).status, { timeout: 20_000 }).toBe(200);
  const { services } = (await (await port('/readyz')).json()) as { services: Record<string, Record<string, string>> };
  expect(Object.keys(services).sort()).toEqual([...SERVICES, 'executor'].sort());
  expect((await port('/readyz/images')).status).toBe(200);
  const page = await (await port('/metrics')).text();
  for (const service of SERVICES) expect(page).toContain(`berth_log_append_seconds_count{service="${service}"}`);
  for (const family of ['berth_log_position', 'berth_container_state', 'engine_daemon_network_actions_seconds', 'berth_pull_seconds', 'engine_daemon_health_checks_total', 'process_resident_memory_bytes']) expect(page.match(new RegExp(`^# TYPE ${family} `, 'gm')), family).toHaveLength(1);
  expect(await (await port('/metrics/cadvisor')).text()).toContain('container_last_seen');
  expect(await (await port('/metrics/images')).text()).toContain('process_resident_memory_bytes');
  await out('rm', 'shown');
});

test('berth status names every process, and the one that is not ready', async () => {
  const status = async (): Promise<{ ready: string[]; notReady: string[] }> => JSON.parse((await berthOf(engine, ['status', '--json'])).stdout) as { ready: string[]; notReady: string[] };
  expect(await status()).toMatchObject({ ready: ['nats', 'executor', ...SERVICES], notReady: [] });
  process.kill(pidOf('supervisor'), 'SIGSTOP');
  try {
    rmSync(readyFile(engine.settings, 'networks'));
    expect(await status()).toMatchObject({ notReady: ['networks'] });
  } finally {
    process.kill(pidOf('supervisor'), 'SIGCONT');
  }
  process.kill(pidOf('networks'), 'SIGKILL');
  await expect.poll(async () => (await status()).notReady, { timeout: 20_000 }).toEqual([]);
});

/** The first lines that a docker command writes; it is ended then. */
async function firstLines(count: number, ...args: string[]): Promise<string[]> {
  const child = spawn(process.env['BERTH_DOCKER_CLI'] ?? 'docker', args, { env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}` }, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) if (lines.push(line) === count) break;
  child.kill();
  return lines;
}
