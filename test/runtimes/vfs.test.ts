import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';

let engine: TestEngine;
let given: Disposable;
beforeAll(async () => {
  given = giveSubordinateIds({ 'berth-vfs': '1200000:65536' });
  engine = await startEngine({ BERTH_STORAGE_DRIVER: 'vfs', BERTH_USERNS_PRIVATE: 'berth-vfs' });
  await engine.loadBusybox();
}, 120_000);
afterAll(async () => {
  given[Symbol.dispose]();
  await engine?.stop();
}, 60_000);

test('without overlay, a container has a copy of its image, keeps what it writes, and says so', async () => {
  expect((await engine.docker(['info', '--format', '{{.Driver}}'])).stdout).toBe('vfs\n');
  const id = (await engine.docker(['create', '--name', 'copy', 'busybox', 'sh', '-c', 'cat /kept 2>/dev/null; echo written > /kept; id -un'])).stdout.trim();
  expect((await engine.docker(['start', '-a', 'copy'])).stdout).toBe('root\n');
  expect((await engine.docker(['start', '-a', 'copy'])).stdout).toBe('written\nroot\n');
  expect((await engine.docker(['inspect', '--format', '{{.Driver}} {{.GraphDriver.Name}}', 'copy'])).stdout).toBe('vfs vfs\n');
  expect((await engine.docker(['run', '--rm', '--read-only', 'busybox', 'sh', '-c', 'cat /kept; touch /x 2>/dev/null || echo read-only'])).stdout).toBe('read-only\n');
  await engine.docker(['rm', 'copy']);
  // Its files are put aside once it is told that it is gone.
  await expect.poll(() => existsSync(join(engine.settings.dataRoot, 'containers', id))).toBe(false);
});

test('an empty volume is filled without overlay, too', async () => {
  expect((await engine.docker(['run', '--rm', '-v', 'store:/etc', 'busybox', 'sh', '-c', 'grep -c root /etc/passwd'])).stdout).toBe('1\n');
  await engine.docker(['volume', 'rm', 'store']);
});

test('a copy has the ids of a user namespace by its mount, not on the disk', async () => {
  const id = (await engine.docker(['create', '--name', 'mapped', '--label', 'berth.userns=private', 'busybox', 'sh', '-c', 'cat /proc/self/uid_map; stat -c %u /bin/busybox; echo > /made; chown 7 /made'])).stdout.trim();
  expect((await engine.docker(['start', '-a', 'mapped'])).stdout.trim().split(/\s+/)).toEqual(['0', '1200000', '65536', '0']);
  expect(statSync(join(engine.settings.dataRoot, 'containers', id, 'root/made'))).toMatchObject({ uid: 7, gid: 0 });
  await engine.docker(['rm', 'mapped']);
});
