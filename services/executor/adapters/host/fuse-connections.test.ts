import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { compileStatic } from '../../../../test/fixtures/compile.js';
import { abortConnections, abortFuse, fuseConnections } from './fuse-connections.js';

test('a connection is known by its device, of FUSE whatever it is called, and of nothing else', () => {
  const lines = [
    '25 21 0:42 / /mnt rw - fuse.sshfs fuse rw,user_id=0',
    '26 21 0:43 / /a\\040-\\040fuse rw - tmpfs fuse rw',
    '27 21 8:1 / /ntfs rw,relatime shared:1 master:2 - fuseblk /dev/sda1 rw',
    '28 21 0:44 / /sys/fs/fuse/connections rw - fusectl fusectl rw',
    '29 21 0:45 /part /b rw - fuse - rw',
  ];
  expect(fuseConnections(`${lines.join('\n')}\n`)).toEqual([42, 8 * 2 ** 20 + 1, 45]);
});

/** The program of test/intruder/silent, which waits for an answer that it holds back itself, with mounts that nobody else sees. */
async function startSilent(directory: string): Promise<ChildProcess & { readonly pid: number }> {
  const program = await compileStatic('test/intruder/silent', 'silent');
  const started = spawn('unshare', ['--mount', program, directory, 'alone'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(started.stdout, 'data');
  return Object.assign(started, { pid: started.pid ?? 0 });
}

test.skipIf(!existsSync('/dev/fuse') || !existsSync('/usr/bin/musl-gcc'))('what a container mounted itself ends, and what another one has mounted, too, goes on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-fuse-'));
  const one = await startSilent(directory);
  const other = await startSilent(directory);
  const ends = { one: once(one, 'exit'), other: once(other, 'exit') };
  // All cgroups have this in their name.
  const ask = { container: '/', processes: [one.pid] };
  try {
    abortFuse({ ...ask, others: [one.pid, other.pid] });
    expect(await Promise.race([ends.one, delay(200)])).toBeUndefined();
    abortFuse({ ...ask, others: [other.pid] });
    expect(await ends.one).toEqual([1, null]);
    expect(await Promise.race([ends.other, delay(200)])).toBeUndefined();
  } finally {
    for (const { pid } of [one, other]) abortFuse({ container: '/', processes: [pid], others: [] });
    await Promise.all([ends.one, ends.other]);
    rmSync(directory, { recursive: true });
  }
});

test.skipIf(!existsSync('/dev/fuse') || !existsSync('/usr/bin/musl-gcc'))('a number that is another\'s by the time it is to end goes on, and what ends is what had the number when it was looked for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-fuse-'));
  const one = await startSilent(directory);
  const end = once(one, 'exit');
  try {
    const found = new Set(fuseConnections(readFileSync(`/proc/${one.pid}/mountinfo`, 'latin1')));
    const [number = 0] = found;
    const held: string[] = [];
    const looks = [() => found, () => {
      held.push(...readdirSync('/proc/self/fd').map(linkOf).filter((path) => path.endsWith(`/${number}/abort`)));
      return new Set<number>();
    }];
    abortConnections(() => looks.shift()?.() ?? expect.unreachable());
    expect(held).toHaveLength(1);
    expect(await Promise.race([end, delay(200)])).toBeUndefined();
  } finally {
    abortFuse({ container: '/', processes: [one.pid], others: [] });
    await end;
    rmSync(directory, { recursive: true });
  }
});

/** The descriptor of the list itself is gone by then. */
function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}
