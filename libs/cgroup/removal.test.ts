import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endCgroups, killCgroups } from './removal.js';

test('a process that has the number of one that was in a cgroup is not ended with it', async () => {
  const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const closed = once(stranger, 'close');
  // As the list was when it was read; without cgroup.kill, as in v1.
  const cgroup = mkdtempSync(join(tmpdir(), 'berth-cgroup-'));
  writeFileSync(join(cgroup, 'cgroup.procs'), `${stranger.pid}\n`);
  mkdirSync(join(cgroup, 'cgroup.kill'));
  writeFileSync(join(cgroup, 'cgroup.kill', 'a-file'), '');
  const ended = endCgroups([cgroup]);
  expect(existsSync(join(cgroup, 'freezer.state'))).toBe(true); // it has been told to end
  rmSync(cgroup, { recursive: true });
  await ended;
  stranger.kill();
  expect(await closed).toEqual([null, 'SIGTERM']);
});

test('what is in a cgroup and below is killed, and its keeper is left to remove it', () => {
  const cgroup = mkdtempSync(join(tmpdir(), 'berth-cgroup-'));
  try {
    mkdirSync(join(cgroup, 'nested'));
    killCgroups([cgroup, join(cgroup, 'not there')]);
    expect(['.', 'nested'].map((name) => readFileSync(join(cgroup, name, 'cgroup.kill'), 'utf8'))).toEqual(['1', '1']);
  } finally {
    rmSync(cgroup, { recursive: true });
  }
});
