import { closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { attachMount, cloneMount, MNT_DETACH, umount2 } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
import { takeOver } from '#libs/messaging/take-over.js';
import { SocketPairs } from '#libs/messaging/testing/socket-pairs.js';
import { withToldEnd } from '#libs/messaging/told-end.js';
import { writeTar } from '#libs/oci/tar-writer.js';
import { patience } from '../../../../test/engine/patience.js';
import { startIntruder } from '../../../../test/fixtures/intruder.js';
import { archiveMembers } from './archive-tree.js';
import type { ClientEnd } from './client-bytes.js';
import { ClientMarks } from './client-marks.js';
import { findPath } from './path-stat.js';
import { checkTarget, extractArchive } from './root-jobs.js';

/** A cgroup of this test's own, in which whoever makes a directory makes a cgroup, below a directory that stands for a container's root. */
let cgroup: string;
let top: string;
let root: Fd;
let pairs: SocketPairs;
const ports: MessagePort[] = [];
beforeEach(() => {
  const [, hierarchy = ''] = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2? /m.exec(readFileSync('/proc/self/mountinfo', 'utf8')) ?? [];
  cgroup = mkdtempSync(join(hierarchy, 'berth-made-up-'));
  top = mkdtempSync(join(tmpdir(), 'berth-made-up-'));
  mkdirSync(join(top, 'kernel'));
  writeFileSync(join(top, 'leased'), 'some text');
  const mount = cloneMount(cgroup);
  attachMount(mount, join(top, 'kernel'));
  closeSync(mount);
  root = openSync(top, constants.O_RDONLY | constants.O_DIRECTORY);
  pairs = new SocketPairs();
});
afterEach(() => {
  pairs.close();
  for (const port of ports.splice(0)) port.close();
  closeSync(root);
  umount2(join(top, 'kernel'), MNT_DETACH); // whatever of it is open yet
  rmSync(top, { recursive: true });
  if (existsSync(join(cgroup, 'made'))) rmdirSync(join(cgroup, 'made'));
  rmdirSync(cgroup);
});

const job = (path: string) => ({ root: { container: 'c', root }, path });

/** An archive of one directory. */
async function copyIn(path: string, name: string): Promise<void> {
  const { ours, theirs: client } = await pairs.next();
  const { port1, port2 } = new MessageChannel();
  ports.push(port1);
  const end: ClientEnd = { fd: takeOver(ours)?.fd ?? -1, first: Buffer.alloc(0), marks: ClientMarks.fresh().memory, port: port2 };
  Readable.from(writeTar([{ path: name, type: 'directory' }])).pipe(withToldEnd(client));
  await extractArchive({ ...job(path), keepsKinds: false, client: end });
}

test("nothing is copied into what the kernel makes up, be it the archive's place or further down", async () => {
  const refusal = (work: Promise<void>): Promise<string> => work.then(() => 'done', String);
  const said = [await refusal(checkTarget(job('/kernel'))), await refusal(copyIn('/kernel', 'made/')), await refusal(copyIn('/', 'kernel/made/'))];
  expect(said.map((text) => /nothing can be copied into (\S+): it is the kernel's/.exec(text)?.[1] ?? text)).toEqual(['/kernel', '/kernel', '/']);
  expect(existsSync(join(cgroup, 'made'))).toBe(false);
});

test.each([
  ['/leased', 'invalid', 'extraction point is not a directory'],
  ['/leased/', 'unclassified', 'lstat /leased/: not a directory'],
  ['/leased/x', 'unclassified', 'not a directory'],
  ['/none/x', 'not-found', 'there is no /none/x'],
])('an archive does not go to %s, in dockerd\'s words', async (path, kind, message) => {
  await expect(checkTarget(job(path))).rejects.toMatchObject({ kind, message });
});

test('what a file is in the way of is not there, and that is dockerd\'s fault for clients', () => {
  for (const path of ['/leased/x', '/leased/']) expect(() => findPath(root, path)).toThrow(expect.objectContaining({ kind: 'unclassified', message: `lstat ${path}: not a directory` }));
  expect(() => findPath(root, '/none')).toThrow(expect.objectContaining({ kind: 'not-found' }));
});

test('nor is anything of it copied out, though one asks for it by its name', () => {
  mkdirSync(join(cgroup, 'made'));
  for (const path of ['/kernel/cgroup.procs', '/kernel/made', '/kernel/made/', '/kernel/made/cgroup.procs']) expect(() => findPath(root, path), path).toThrow(expect.objectContaining({ kind: 'not-found', message: `there is no ${path}` }));
  const itself = findPath(root, '/kernel');
  expect(Array.from(archiveMembers(itself, undefined, { prefix: 'kernel/', stays: false, isRoot: false }), ({ path }) => String(path))).toEqual(['kernel/']);
  closeSync(itself.fd);
  const found = findPath(root, '/');
  const names = Array.from(archiveMembers(found, undefined, { prefix: '/', stays: false, isRoot: false }), ({ path }) => String(path));
  closeSync(found.fd);
  expect(names.filter((name) => name.includes('kernel'))).toEqual(['/kernel/']);
});

test.skipIf(!existsSync('/usr/bin/musl-gcc'))('a file that is leased is read once its lease is given back, and nobody waits for one that is kept', async () => {
  const found = findPath(root, '/leased');
  const read = (): readonly string[] => Array.from(archiveMembers(found, root, { prefix: '', stays: false, isRoot: false }), ({ path }) => String(path));
  for (const option of [['-g'], []]) {
    const intruder = await startIntruder('lease', ...option, join(top, 'leased'));
    const began = performance.now();
    if (option.length > 0) expect(read()).toEqual(['leased']);
    else expect(read).toThrow('leased cannot be read: a process has a lease of it, and keeps it');
    expect(performance.now() - began).toBeLessThan(patience(5_000));
    await intruder.end();
  }
  closeSync(found.fd);
});
