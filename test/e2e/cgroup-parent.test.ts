import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { detect } from '#libs/cgroup/layout.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { parentCgroups } from '../engine/leaks.js';
import { patience } from '../engine/patience.js';

/** `--cgroup-parent` as runc's cgroupfs driver, which dockerd was asked about, reads it; below the engine's own scope where systemd gave it one. */
let engine: TestEngine;
/** Of this run alone: other engines of the machine know nothing of it. */
let own = '';
beforeAll(async () => {
  engine = await startEngine();
  own = `parent-${engine.settings.bridge}`;
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine.stop(), patience(60_000));
afterEach(async () => {
  const { stdout } = await docker('ps', '-aq');
  if (stdout !== '') await docker('rm', '-f', ...stdout.trim().split('\n'));
  expect(cgroupsAt(`/${own}`)).toEqual([]);
});

const cgroupsAt = (path: string): readonly string[] => parentCgroups(path, engine.settings.cgroupParent);
const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);

async function start(name: string, parent: string, ...options: string[]): Promise<{ readonly id: string; readonly pid: string }> {
  const run = await docker('run', '-d', '--name', name, '--network', 'none', '--cgroup-parent', parent, ...options, 'busybox', 'sleep', '1000');
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const pid = (await docker('inspect', '--format', '{{.State.Pid}}', name)).stdout.trim();
  return { id: run.stdout.trim(), pid };
}

/** Paths of a process's cgroups, each once; on hybrid machines the v2 one counts like any other. */
const cgroupsOf = (pid: string): readonly string[] => [...new Set(readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n').map((line) => line.split(':').slice(2).join(':')))];
const placed = (path: string) => [expect.stringMatching(new RegExp(`^(/system\\.slice/[^/]+)?${path.replaceAll('.', '\\.')}$`)) as string];
/** What runs in it by its cgroup, which is what `docker top` reads. */
const commands = async (): Promise<readonly string[]> => Array.from((await docker('top', 'placed', '-o', 'pid,args')).stdout.matchAll(/^ *\d+ +(.*)$/gm), ([, command = '']) => command);

test.each([
  ['$', '/$'],
  ['/$', '/$'],
  ['///$//b/', '/$/b'],
  ['../../$', '/$'],
  ['/$/../../../$/./c', '/$/c'],
  // For systemd alone it would mean /a.slice/a-b.slice.
  ['$/a-b.slice', '/$/a-b.slice'],
])('%s is found from the top, and goes with the container that it was made for', async (asked, path) => {
  const parent = asked.replaceAll('$', own);
  const { id, pid } = await start('placed', parent);
  expect(cgroupsOf(pid)).toEqual(placed(`${path.replaceAll('$', own)}/${id}`));
  expect((await docker('inspect', '--format', '{{.HostConfig.CgroupParent}}', 'placed')).stdout).toBe(`${parent}\n`);
  await docker('rm', '-f', 'placed');
  expect(cgroupsAt(`/${own}`)).toEqual([]);
});

test('the top itself may be asked for', async () => {
  const { id, pid } = await start('placed', '/');
  expect(cgroupsOf(pid)).toEqual(placed(`/${id}`));
  await docker('rm', '-f', 'placed');
  expect(cgroupsAt(`/${id}`)).toEqual([]);
});

test('what cannot be is refused', async () => {
  expect(await docker('create', '--cgroup-parent', 'a\nb', 'busybox')).toMatchObject({ code: 1, stderr: expect.stringContaining('invalid cgroup parent: "a\\nb"') as string });
  const { id } = await start('placed', own);
  expect(await docker('create', '--cgroup-parent', `/${own}/${id}/x`, 'busybox')).toMatchObject({ code: 1, stderr: expect.stringContaining(`is in the cgroup of container ${id}`) as string });
});

test('all that an engine does with a cgroup it does with that one, an executor that came later, too', async () => {
  const { id, pid } = await start('placed', `${own}/deep`, '--memory', '64m');
  const everything = async (memoryMegabytes: number): Promise<void> => {
    // Without an executor they are none: it has to be up again.
    await expect.poll(async () => (await docker('stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', 'placed')).stdout, { timeout: patience(20_000) }).toMatch(/\/ 64MiB [1-9]/);
    await docker('exec', '-d', 'placed', 'sleep', '2000');
    await expect.poll(commands, { timeout: patience(10_000) }).toEqual(['sleep 1000', 'sleep 2000']);
    await docker('exec', 'placed', 'sh', '-c', 'kill $(pidof sleep)'); // a first process hears no signal that it does not handle
    await expect.poll(commands, { timeout: patience(10_000) }).toEqual(['sleep 1000']);
    expect(await docker('pause', 'placed')).toMatchObject({ code: 0 });
    expect(freezerState(id)).toMatch(/FROZEN|^1/);
    expect(await docker('unpause', 'placed')).toMatchObject({ code: 0 });
    expect(await docker('update', '--memory', `${memoryMegabytes}m`, '--memory-swap', `${memoryMegabytes}m`, 'placed')).toMatchObject({ code: 0 });
    expect(limit(id)).toBe(String(memoryMegabytes << 20));
    await docker('update', '--memory', '64m', '--memory-swap', '64m', 'placed');
  };
  await everything(80);
  const before = engine.pid('executor') ?? 0;
  process.kill(before, 'SIGKILL');
  await expect.poll(() => engine.pid('executor') ?? before, { timeout: patience(20_000) }).not.toBe(before);
  await everything(96);
  const page = await metricsPage();
  expect(page).toContain(`id="/${own}/deep/${id}"`);
  expect(page).toMatch(new RegExp(`container_memory_usage_bytes\\{[^}]*id="/${own}/deep/${id}"[^}]*\\} [1-9]`));
  process.kill(Number(pid), 'SIGKILL');
  expect((await docker('wait', 'placed')).stdout).toBe('137\n');
  await expect.poll(() => cgroupsAt(`/${own}`), { timeout: patience(10_000) }).toEqual([]);
});

const fileOf = (id: string, ...names: readonly string[]): string => cgroupsAt(`/${own}/deep/${id}`).flatMap((directory) => names.map((name) => join(directory, name))).find((path) => existsSync(path)) ?? '';
const freezerState = (id: string): string => readFileSync(fileOf(id, 'freezer.state', 'cgroup.freeze'), 'utf8').trim();
const limit = (id: string): string => readFileSync(fileOf(id, 'memory.limit_in_bytes', 'memory.max'), 'utf8').trim();
const metricsPage = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${engine.settings.metricsPort}/metrics/cadvisor`)).text();

test('a container that ends while nobody looks, its keeper with it, leaves neither its cgroup nor its parent', async () => {
  const { pid } = await start('placed', own);
  await start('other', `${own}/beside`);
  const shim = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  await engine.down();
  process.kill(Number(shim), 'SIGKILL');
  await engine.up();
  expect((await docker('wait', 'placed')).stdout).toMatch(/^(137|255)\n$/);
  await docker('rm', '-f', 'placed');
  expect(cgroupsAt(`/${own}`)).not.toEqual([]); // of the other's parent
  await docker('rm', '-f', 'other');
  expect(cgroupsAt(`/${own}`)).toEqual([]);
});

test('containers share a parent, and the last one takes it along', async () => {
  await start('one', own);
  await start('two', own);
  await docker('rm', '-f', 'one');
  expect(cgroupsAt(`/${own}`)).not.toEqual([]);
  await docker('rm', '-f', 'two');
  expect(cgroupsAt(`/${own}`)).toEqual([]);
});

test('a parent that was there, with limits of its own, stays, and holds for the containers in it', async () => {
  const { mode } = detect();
  const memory = mode === 'v2' ? join(cgroupsAt(engine.settings.cgroupParent)[0] ?? '', '..') : (detect().controllers.get('memory') ?? '');
  const mine = join(memory, own);
  mkdirSync(mine);
  try {
    writeFileSync(join(mine, mode === 'v2' ? 'memory.max' : 'memory.limit_in_bytes'), String(32 << 20));
    const eater = await docker('run', '--rm', '--network', 'none', '--cgroup-parent', own, 'busybox', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1');
    expect(eater.code).toBe(137);
    expect(existsSync(mine)).toBe(true);
    expect(cgroupsAt(`/${own}`)).toEqual([mine]);
  } finally {
    rmdirSync(mine);
  }
});
