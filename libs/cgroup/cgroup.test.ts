import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CgroupLayout } from './layout.js';
import { deviceFilter } from './device-filter.js';
import { cgroupDirectories, controllerDirectory, detect, layoutOf } from './layout.js';
import { limitWrites, weightOfShares } from './limits.js';
import { ensureParent } from './parent.js';
import { cgroupFileReader, usageOf } from './usage.js';

const v1Line = (at: string, options: string): string => `33 31 0:30 / ${at} rw,relatime shared:9 - cgroup cgroup rw,${options}`;
const v2Line = '41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate';
const v2: CgroupLayout = layoutOf(v2Line, () => ['cpuset', 'cpu', 'io', 'memory', 'pids']);

test('a hybrid layout names each directory once, controllers that share a mount too', () => {
  const layout = layoutOf([v1Line('/cg/cpu,cpuacct', 'cpu,cpuacct'), v1Line('/cg/my\\040mem', 'memory'), v2Line.replace('/sys/fs/cgroup', '/cg/unified')].join('\n'), () => []);
  expect(layout.mode).toBe('hybrid');
  expect(cgroupDirectories(layout, '/docker/1')).toEqual(['/cg/cpu,cpuacct/docker/1', '/cg/my mem/docker/1', '/cg/unified/docker/1']);
});

test('each kind of machine is told by its mounts', () => {
  const none = (): readonly string[] => [];
  const systemd = '30 25 0:26 / /sys/fs/cgroup/systemd rw,nosuid shared:10 - cgroup cgroup rw,xattr,name=systemd';
  const unifiedLine = v2Line.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified');
  const memory = v1Line('/sys/fs/cgroup/memory', 'memory');
  expect(layoutOf([systemd, memory].join('\n'), none)).toEqual({ mode: 'v1', controllers: new Map([['name=systemd', '/sys/fs/cgroup/systemd'], ['memory', '/sys/fs/cgroup/memory']]) });
  expect(layoutOf([systemd, memory, unifiedLine].join('\n'), none)).toMatchObject({ mode: 'hybrid', unified: '/sys/fs/cgroup/unified' });
  // systemd's own hierarchy beside v2 with all controllers: what limits is v2.
  const moved = layoutOf([systemd, unifiedLine].join('\n'), () => ['cpu', 'memory', '']);
  expect(moved).toEqual({ mode: 'v2', controllers: new Map([['cpu', '/sys/fs/cgroup/unified'], ['memory', '/sys/fs/cgroup/unified']]), unified: '/sys/fs/cgroup/unified' });
  expect(v2).toMatchObject({ mode: 'v2', unified: '/sys/fs/cgroup' });
  expect(() => layoutOf(systemd, none)).toThrow('no cgroup controllers');
  expect(() => layoutOf('', none)).toThrow('no cgroup controllers');
});

test('in a subtree that was handed to us all paths are below it', () => {
  const ours = { ...v2, subtree: '/system.slice/berth-docker.scope' };
  expect(cgroupDirectories(ours, '/docker/1')).toEqual(['/sys/fs/cgroup/system.slice/berth-docker.scope/docker/1']);
  expect(controllerDirectory(ours, 'memory', '/docker/1')).toBe('/sys/fs/cgroup/system.slice/berth-docker.scope/docker/1');
});

test('device rules are files where v1 has them, and a program of v2 where not', () => {
  const rules = [{ allow: false, type: 'a', major: -1, minor: -1, access: 'rwm' }] as const;
  const hybrid = layoutOf([v1Line('/cg/devices', 'devices'), v2Line.replace('/sys/fs/cgroup', '/cg/unified')].join('\n'), () => []);
  const without = layoutOf([v1Line('/cg/memory', 'memory'), v2Line.replace('/sys/fs/cgroup', '/cg/unified')].join('\n'), () => []);
  const filesOf = (layout: CgroupLayout) => limitWrites(layout, cgroupDirectories(layout, '/d'), { deviceRules: rules }).map(({ path }) => path);
  expect([filesOf(hybrid), filesOf(without), filesOf(v2)]).toEqual([['/cg/devices/d/devices.deny'], [], []]);
  expect([hybrid, without, v2].map((layout) => deviceFilter(layout, '/d', rules)?.path)).toEqual([undefined, '/cg/unified/d', '/sys/fs/cgroup/d']);
});

test.each([[1, 'the minimum allowed cpu-shares is 2'], [262_145, 'the maximum allowed cpu-shares is 262144']])('%i CPU shares are refused: the kernel would take the next that fits', (cpuShares, text) => {
  expect(() => limitWrites(v2, cgroupDirectories(v2, '/d'), { cpuShares })).toThrow(text);
});

test('v2 limits are written in v2 words', () => {
  const writes = limitWrites(v2, cgroupDirectories(v2, '/docker/1'), { memoryBytes: 1000, nanoCpus: 1.5e9, cpuShares: 1024, pidsLimit: 0, cpusetCpus: '0-1' });
  expect(writes.map(({ path, data }) => `${path.slice('/sys/fs/cgroup/docker/1/'.length)}=${data}`)).toEqual([
    'memory.max=1000',
    'memory.swap.max=1000',
    'cpu.weight=39',
    'cpu.max=150000 100000',
    'cpuset.cpus=0-1',
    'pids.max=max',
  ]);
});

test('a large number is written with all its digits, and what stands for no limit as it is', () => {
  const memory = (memoryBytes: number, memorySwapBytes: number) => limitWrites(v2, cgroupDirectories(v2, '/d'), { memoryBytes, memorySwapBytes, memoryReservationBytes: 2 ** 60, pidsLimit: 2 ** 62 }).map(({ data }) => data);
  expect(memory(2 ** 62, -1)).toEqual(['4611686018427387904', 'max', '1152921504606846976', '4611686018427387904']);
  expect(memory(2 ** 63 - 1024, 2 ** 63 - 1024).slice(0, 2)).toEqual(['9223372036854775807', '0']);
});

test('so little of a CPU that it comes to no quota is no limit', () => {
  expect(limitWrites(v2, cgroupDirectories(v2, '/d'), { nanoCpus: 9_999 }).map(({ data }) => data)).toEqual(['max 100000']);
  expect(limitWrites(v2, cgroupDirectories(v2, '/d'), { nanoCpus: 10_001 }).map(({ data }) => data)).toEqual(['1 100000']);
});

test('the least and the most shares are the least and the most weight', () => expect([2, 262_144, 1].map(weightOfShares)).toEqual([1, 10_000, 1]));

test('swap below memory is refused, CPUs beside a quota too', () => {
  expect(() => limitWrites(v2, ['/x'], { memoryBytes: 2, memorySwapBytes: 1 })).toThrow('below');
  expect(() => limitWrites(v2, ['/x'], { nanoCpus: 1, cpuQuota: 1 })).toThrow('exclude');
});

const here = detect();
test.skipIf(here.mode !== 'v2')('a cgroup that hands controllers down has its processes moved below', async () => {
  // As in a container, whose own cgroup looks like the root and holds its processes.
  const top = join(here.unified ?? '', `berth-test-top-${process.pid}`);
  mkdirSync(top);
  const child = spawn('sleep', ['60']);
  try {
    await new Promise((done) => child.once('spawn', done));
    writeFileSync(join(top, 'cgroup.procs'), String(child.pid));
    ensureParent({ ...here, unified: top, controllers: new Map([...here.controllers.keys()].map((name) => [name, top])) }, '/docker');
    expect(readFileSync(join(top, 'processes/cgroup.procs'), 'utf8')).toBe(`${child.pid}\n`);
    expect(readFileSync(join(top, 'docker/cgroup.controllers'), 'utf8')).toContain('memory');
  } finally {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
    for (const directory of ['processes', 'docker', '']) rmdirSync(join(top, directory));
  }
});

test('the kernel takes the limits, lets a process in and tells what it used', async () => {
  const layout = detect();
  const parent = `/berth-test-${process.pid}`;
  const path = `${parent}/one`;
  const directories = cgroupDirectories(layout, path);
  try {
    ensureParent(layout, parent);
    ensureParent(layout, parent);
    for (const directory of directories) mkdirSync(directory);
    const resources = {
      memoryBytes: 64 << 20, nanoCpus: 5e8, cpuShares: 512, pidsLimit: 20, cpusetCpus: '0', memoryReservationBytes: 32 << 20,
      deviceRules: layout.mode === 'v2' ? [] : ([{ allow: false, type: 'a', major: -1, minor: -1, access: 'rwm' }, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }] as const),
    };
    for (const { path: file, data, optional } of limitWrites(layout, directories, resources)) {
      try {
        writeFileSync(file, data, { flag: 'r+' });
      } catch (error) {
        if (!optional) throw error;
      }
    }
    if (layout.mode !== 'v2') {
      const read = (controller: string, file: string): string => readFileSync(join(layout.controllers.get(controller) ?? '', path, file), 'utf8').trim();
      expect(read('memory', 'memory.limit_in_bytes')).toBe(String(64 << 20));
      expect(read('cpu', 'cpu.cfs_quota_us')).toBe('50000');
      expect(read('cpuset', 'cpuset.cpus')).toBe('0');
      expect(read('devices', 'devices.list')).toBe('c 1:3 rwm');
    }
    const child = spawn('sleep', ['60']);
    await new Promise((done) => child.once('spawn', done));
    for (const directory of directories) writeFileSync(join(directory, 'cgroup.procs'), String(child.pid));
    const usage = usageOf(layout.mode, cgroupFileReader(layout, path));
    expect(usage.pids).toEqual({ current: 1, limit: 20 });
    expect(usage.memory?.limitBytes).toBe(64 << 20);
    expect(usage.cpu?.totalNanoseconds).toBeGreaterThanOrEqual(0);
    child.kill('SIGKILL');
    await new Promise((done) => child.once('exit', done));
    expect(usageOf(layout.mode, cgroupFileReader(layout, '/berth-nothing'))).toEqual({});
  } finally {
    for (const directory of [...directories, ...cgroupDirectories(layout, parent)]) rmdirSync(directory);
  }
});
