import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TreeThreads } from '../trees/tree-threads.js';
import { HostDevices } from './host-devices.js';

let inDev: string;
beforeEach(() => (inDev = mkdtempSync('/dev/berth-devices-')));
afterEach(() => rmSync(inDev, { recursive: true }));

test.each([
  ['../null', 0],
  ['/tmp', 1],
  ['../../tmp', 1],
  ['missing', 0],
])('where a link in /dev leads to %s, nobody else has to wait for the look at it', async (target, threads) => {
  const run = vi.fn(() => Promise.resolve([]));
  const devices = new HostDevices({ of: () => ({ run }) as unknown as Pick<TreeThreads, 'run'> }); // asked for nothing else
  const path = join(inDev, 'link');
  symlinkSync(target, path);
  await devices.asked([{ source: path, target: '/dev/x', access: 'r' }]).catch(() => undefined);
  await devices.throttled([{ path, limits: 'read-bytes', rate: 1 }]).catch(() => undefined);
  expect(run).toHaveBeenCalledTimes(2 * threads);
});
