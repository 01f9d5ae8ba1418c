import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { expect, test, vi } from 'vitest';
import { SystemCallError } from '#libs/linux/system-call-error.js';
import { isAway, KeptCgroupFiles } from './kept-files.js';
import { type CgroupLayout, cgroupDirectories, detect } from './layout.js';
import { ensureParent } from './parent.js';
import { cgroupFileReader, type CgroupUsage, usageOf } from './usage.js';

/** A cgroup whose files are plain ones: what a machine of the other kind would show. */
function usageOfFiles(mode: 'v1' | 'v2', files: Readonly<Record<string, string>>): CgroupUsage {
  const root = mkdtempSync(join(tmpdir(), 'berth-usage-'));
  try {
    const controllers = new Map(['cpu', 'cpuacct', 'memory', 'pids', 'blkio', 'io'].map((name) => [name, root]));
    const layout: CgroupLayout = { mode, controllers, unified: root };
    mkdirSync(join(root, 'c'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'c', name), text);
    const kept = new KeptCgroupFiles(layout, '/c');
    const usage = usageOf(mode, cgroupFileReader(layout, '/c'));
    expect(usageOf(mode, kept.look())).toEqual(usage);
    expect(usageOf(mode, kept.look())).toEqual(usage);
    kept.close();
    return usage;
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('v2 tells of CPU, memory, disks and pressure', () => {
  const usage = usageOfFiles('v2', {
    'cpu.stat': 'usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\nnr_bursts 1\nburst_usec 3\n',
    'memory.current': '4096\n',
    'memory.max': 'max\n',
    'memory.peak': '8192\n',
    'memory.swap.current': '0\n',
    'memory.stat': 'anon 1\nfile 2\nkernel 3\n',
    'memory.events': 'low 0\nhigh 5\nmax 6\noom 1\noom_kill 2\n',
    'pids.current': '3\n',
    'pids.max': '10\n',
    'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 \n',
    'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n',
  });
  expect(usage.cpu).toEqual({ totalNanoseconds: 30_000, userNanoseconds: 20_000, systemNanoseconds: 10_000, periods: 4, throttledPeriods: 2, throttledNanoseconds: 7000, bursts: { periods: 1, nanoseconds: 3000 } });
  expect(usage.memory).toEqual({ usageBytes: 4096, limitBytes: Infinity, maxUsageBytes: 8192, swapBytes: 0, kernelBytes: 3, oomKills: 2, events: { high: 5, max: 6, oom: 1 }, stat: { anon: 1, file: 2, kernel: 3 } });
  expect(usage.disks).toEqual([{ device: '8:0', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }]);
  expect(usage.pressure).toEqual({ cpu: { waitingSeconds: 2, stalledSeconds: 1 } });
});

test('v1 tells of disks and OOM kills', () => {
  const usage = usageOfFiles('v1', {
    'memory.usage_in_bytes': '4096\n',
    'memory.limit_in_bytes': '9223372036854771712\n',
    'memory.stat': 'rss 1\ntotal_rss 1\ntotal_swap 5\n',
    'memory.failcnt': '3\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 1\n8:0 Write 2\n8:0 Sync 3\n8:0 Total 3\nTotal 3\n',
    'blkio.throttle.io_serviced_recursive': '8:0 Read 4\n8:0 Write 5\nTotal 9\n',
  });
  expect(usage.memory).toEqual({ usageBytes: 4096, limitBytes: Infinity, swapBytes: 5, limitHits: 3, oomKills: 2, stat: { rss: 1, total_rss: 1, total_swap: 5 } });
  expect(usage.disks).toEqual([{ device: '8:0', readBytes: 1, writeBytes: 2, reads: 4, writes: 5 }]);
  expect(usage.cpu).toBeUndefined();
});

test('v1: of a container that used no device it is not asked how often', () => {
  const asked: string[] = [];
  const read = (_controller: string, file: string): string | undefined => {
    asked.push(file);
    return file === 'blkio.throttle.io_service_bytes_recursive' ? 'Total 0\n' : undefined;
  };
  expect(usageOf('v1', read)).toEqual({});
  expect(asked.filter((file) => file.startsWith('blkio'))).toEqual(['blkio.throttle.io_service_bytes_recursive']);
});

test('a file that the kernel was told not to count is missing, and nothing has failed', () => {
  const EOPNOTSUPP = 95;
  expect(isAway(new SystemCallError('pread', EOPNOTSUPP))).toBe(true);
  expect(isAway(Object.assign(new Error('read'), { code: getSystemErrorName(-EOPNOTSUPP) }))).toBe(true);
  expect(isAway(new SystemCallError('pread', constants.errno.EIO))).toBe(false);
});

test('kept descriptors do not keep a cgroup, and one of the same name is found once they were let go', () => {
  const layout = detect();
  const path = `/berth-kept-${process.pid}`;
  const directories = cgroupDirectories(layout, path);
  const kept = new KeptCgroupFiles(layout, path);
  const read = (): number | undefined => usageOf(layout.mode, kept.look()).pids?.current;
  ensureParent(layout, path);
  try {
    expect(read()).toBe(0);
    for (const directory of directories) rmdirSync(directory);
    expect(read()).toBeUndefined();
    ensureParent(layout, path);
    expect(read()).toBeUndefined();
    kept.close();
    expect(read()).toBe(0);
  } finally {
    kept.close();
    for (const directory of directories) rmdirSync(directory);
  }
});

test('descriptors are let go that nobody has read for two minutes, twice as long as Prometheus waits where nobody tells it otherwise', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const layout = detect();
  const kept = new KeptCgroupFiles(layout, '/');
  const open = (): number => readdirSync('/proc/self/fd').length;
  try {
    const before = open();
    usageOf(layout.mode, kept.look());
    const reading = open();
    expect(reading).toBeGreaterThan(before);
    vi.advanceTimersByTime(120_000);
    usageOf(layout.mode, kept.look());
    vi.advanceTimersByTime(120_000);
    expect(open()).toBe(reading);
    vi.advanceTimersByTime(10_000);
    expect(open()).toBe(before);
    usageOf(layout.mode, kept.look());
    expect(open()).toBe(reading);
  } finally {
    kept.close();
    vi.useRealTimers();
  }
});
