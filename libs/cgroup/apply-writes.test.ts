import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyWrites } from './apply-writes.js';
import { cgroupDirectories, controllerDirectory, detect } from './layout.js';
import { type CgroupWrite, limitWrites } from './limits.js';
import { ensureParent } from './parent.js';

const layout = detect();
const parent = `/berth-test-writes-${process.pid}`;
const path = `${parent}/one`;
const directories = cgroupDirectories(layout, path);
const fileOf = (controller: string, name: string): string => join(controllerDirectory(layout, controller, path) ?? '', name);
const pidsMax = fileOf('pids', 'pids.max');
const write = (file: string, data: string, optional = false): CgroupWrite => ({ path: file, data, optional });
const read = (file: string): string => readFileSync(file, 'latin1').trim();

/** In the cgroup, as a container's. */
let child: ChildProcess;
beforeEach(async () => {
  ensureParent(layout, parent);
  for (const directory of directories) mkdirSync(directory);
  applyWrites(limitWrites(layout, directories, { pidsLimit: 20 }));
  child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  for (const directory of directories) writeFileSync(join(directory, 'cgroup.procs'), String(child.pid));
});
afterEach(async () => {
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const directory of [...directories, ...cgroupDirectories(layout, parent)]) rmdirSync(directory);
});

test('what was written before a refusal is taken back, and the refusal told', () => {
  const refused = fileOf('pids', 'cgroup.procs');
  expect(() => applyWrites([write(pidsMax, '30'), write(refused, 'nobody')])).toThrow(`failed to write nobody to ${refused}: EINVAL`);
  expect(read(pidsMax)).toBe('20');
});

test('what may fail stops nothing', () => {
  applyWrites([write(fileOf('pids', 'cgroup.procs'), 'nobody', true), write(pidsMax, '30')]);
  expect(read(pidsMax)).toBe('30');
});

describe.skipIf(layout.mode !== 'v2')('on cgroup v2', () => {
  test('a set of CPUs that was the parent\'s is what it meant again, and what was written before it is taken back too', () => {
    const cpus = fileOf('cpuset', 'cpuset.cpus');
    const mems = fileOf('cpuset', 'cpuset.mems');
    expect(read(cpus)).toBe('');
    const before = read(`${cpus}.effective`);
    expect(() => applyWrites([write(pidsMax, '30'), write(cpus, '0'), write(mems, '63')])).toThrow(/^failed to write 63 to .*cpuset\.mems: EINVAL[^;]*$/);
    expect(read(`${cpus}.effective`)).toBe(before);
    expect(read(pidsMax)).toBe('20');
  });
});
