import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lookAtProcesses } from './process-look.js';

test('of what a cgroup lists those are looked at that are in it still: a number may be somebody else\'s by now', async () => {
  const top = mkdtempSync(join(tmpdir(), 'berth-look-'));
  try {
    mkdirSync(join(top, 'c'));
    writeFileSync(join(top, 'c/cgroup.procs'), `${process.pid}\n`);
    const lookAt = async (id: string) => (await lookAtProcesses({ mode: 'v2', controllers: new Map(), unified: top }, [{ id, cgroup: 'c' }])).get(id);
    expect(await lookAt('another')).toEqual({ processes: 1, states: { running: 0, sleeping: 0, stopped: 0, uninterruptible: 0 } });
    // All cgroups have this in their name.
    expect(await lookAt('/')).toMatchObject({ processes: 1, openFilesLimit: expect.any(Number), sockets: expect.any(Number) });
  } finally {
    rmSync(top, { recursive: true });
  }
});
