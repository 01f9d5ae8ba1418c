import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { processesOf } from './processes.js';

let cgroup: string;
beforeAll(() => {
  cgroup = mkdtempSync(join(tmpdir(), 'berth-cgroup-'));
  mkdirSync(join(cgroup, 'below/deep'), { recursive: true });
  writeFileSync(join(cgroup, 'cgroup.procs'), '12\n7\n12\n');
  writeFileSync(join(cgroup, 'below/cgroup.procs'), '');
  writeFileSync(join(cgroup, 'below/deep/cgroup.procs'), '9\n7\n');
});
afterAll(() => rmSync(cgroup, { recursive: true }));

test('a process that the kernel lists twice is one, wherever it was on its way', () => expect(processesOf(cgroup)).toEqual([12, 7, 9]));
test('a cgroup that is gone has none', () => expect(processesOf(join(cgroup, 'gone'))).toEqual([]));
