import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, fstatSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { constants as system, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as at from './directory-entries.js';
import { lgetxattr, llistxattr, lsetxattr } from './extended-attributes.js';
import { lockFile } from './file-lock.js';
import { addInodeFlag, FS_TOPDIR_FL, inodeFlags } from './inode-flags.js';
import { FILE_SYSTEM, MNT_DETACH, mount, statfsMagic, umount2 } from './mounts.js';
import { inNetworkNamespace, newNetworkNamespace } from './network-namespace.js';
import { hasReadAll, peerCredentials, pidfdOpen, pidfdSendSignal } from './processes.js';
import { preadEach } from './read-each.js';
import { removeTree, removeTrees } from './remove-tree.js';
import { sealedCopy } from './sealed-file.js';

let root: string;
let dir: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'berth-linux-'));
  dir = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
});
afterEach(() => {
  closeSync(dir);
  rmSync(root, { recursive: true });
});

test('a path is resolved below its root, wherever a symlink points', () => {
  at.symlinkat('/../../etc', dir, 'link');
  at.mkdirat(dir, 'inner', 0o755);
  expect(() => at.openat2(dir, 'link/passwd', constants.O_RDONLY, 0, at.RESOLVE_IN_ROOT)).toThrow(expect.objectContaining({ code: 'ENOENT', call: 'openat2' }));
  closeSync(at.openat2(dir, '/../inner', constants.O_RDONLY, 0, at.RESOLVE_IN_ROOT));
});

test('files are read by one call, each from its beginning, and one that cannot be read takes nothing from the others', () => {
  const texts = ['first', '', 'third\n'];
  const files = texts.map((text, index) => (writeFileSync(join(root, String(index)), text), openSync(join(root, String(index)), 'r')));
  const [room, lengths] = [Buffer.alloc(1000), new Int32Array(4)];
  for (let again = 0; again < 2; again++) {
    preadEach(Int32Array.from([...files.slice(0, 2), dir, ...files.slice(2)]), room, lengths);
    expect([...lengths]).toEqual([5, 0, -system.errno.EISDIR, 6]);
    expect(room.toString('latin1', 0, 11)).toBe('firstthird\n');
  }
  preadEach(Int32Array.from(files), room.subarray(0, 9), lengths);
  expect([room.toString('latin1', 0, 6), [...lengths.subarray(0, 3)]]).toEqual(['firthi', [3, 0, 3]]);
  expect(() => preadEach(Int32Array.from(files), room, new Int32Array(2))).toThrow('EINVAL');
  preadEach(new Int32Array(), room, lengths);
  for (const file of files) closeSync(file);
});

test('owner, mode and times of a symlink and of a file are set to the nanosecond', () => {
  at.symlinkat('nowhere', dir, 'link');
  at.fchownat(dir, 'link', 4_294_967_294, 7, at.AT_SYMLINK_NOFOLLOW);
  at.utimensat(dir, 'link', { seconds: -5, nanoseconds: 1 }, { seconds: 1e9, nanoseconds: 123_456_789 }, at.AT_SYMLINK_NOFOLLOW);
  const facts = lstatSync(join(root, 'link'), { bigint: true });
  expect([facts.uid, facts.gid, facts.mtimeNs]).toEqual([4_294_967_294n, 7n, 1_000_000_000_123_456_789n]);
  const fd = at.openat2(dir, 'file', constants.O_CREAT | constants.O_WRONLY, 0o600, at.RESOLVE_BENEATH);
  at.fchownat(fd, '', 3, 4, at.AT_EMPTY_PATH);
  expect([fstatSync(fd).uid, fstatSync(fd).gid]).toEqual([3, 4]);
  closeSync(fd);
});

test('what is not resolved below a root is one name in a directory, and no path through a symlink', () => {
  at.symlinkat('/tmp', dir, 'way');
  const outside = ['way/x', Buffer.from('way/x'), './way/x'];
  for (const path of outside) {
    expect(() => at.mkdirat(dir, path, 0o755)).toThrow(`${path} is no name in a directory`);
    expect(() => at.mknodat(dir, path, constants.S_IFREG, 0, 0)).toThrow('no name');
    expect(() => at.symlinkat('x', dir, path)).toThrow('no name');
    expect(() => at.unlinkat(dir, path, 0)).toThrow('no name');
    expect(() => at.fchownat(dir, path, 0, 0, at.AT_SYMLINK_NOFOLLOW)).toThrow('no name');
    expect(() => at.utimensat(dir, path, { seconds: 0, nanoseconds: 0 }, { seconds: 0, nanoseconds: 0 }, at.AT_SYMLINK_NOFOLLOW)).toThrow('no name');
    for (const [from, to] of [[path, 'y'], ['way', path]] as const) {
      expect(() => at.linkat(dir, from, dir, to, 0)).toThrow('no name');
      expect(() => at.renameat2(dir, from, dir, to, 0)).toThrow('no name');
    }
  }
  at.mkdirat(at.AT_FDCWD, join(root, 'own'), 0o755);
});

test('nodes, links and names that are not UTF-8', () => {
  at.mknodat(dir, 'null', constants.S_IFCHR | 0o666, 1, 3);
  at.linkat(dir, 'null', dir, Uint8Array.of(0xff, 0xfe), 0);
  expect(statSync(join(root, 'null')).nlink).toBe(2);
  expect(() => at.renameat2(dir, 'null', dir, Uint8Array.of(0xff, 0xfe), at.RENAME_NOREPLACE)).toThrow('EEXIST');
  at.unlinkat(dir, Uint8Array.of(0xff, 0xfe), 0);
  expect(() => at.mkdirat(dir, 'a\0b', 0o755)).toThrow('NUL');
});

test('extended attributes are kept', () => {
  writeFileSync(join(root, 'f'), '');
  lsetxattr(join(root, 'f'), 'trusted.berth', Buffer.from('x'));
  expect(llistxattr(join(root, 'f'))).toContain('trusted.berth');
  expect(lgetxattr(join(root, 'f'), 'trusted.berth')?.toString()).toBe('x');
  expect(lgetxattr(join(root, 'f'), 'trusted.other')).toBeUndefined();
});

test('a sealed copy cannot be written', () => {
  const fd = sealedCopy('/bin/true', 'copy');
  expect(readFileSync(`/proc/self/fd/${fd}`).equals(readFileSync('/bin/true'))).toBe(true);
  expect(() => writeSync(fd, 'x', 0)).toThrow('EPERM');
  closeSync(fd);
});

test('a tmpfs is mounted, recognised and gone again', () => {
  mount('none', root, 'tmpfs', 0, 'size=64k');
  expect(statfsMagic(root)).toBe(FILE_SYSTEM.tmpfs);
  umount2(root, MNT_DETACH);
  expect(() => umount2(root, 0)).toThrow('EINVAL');
});

test('a process that is gone is told apart from one that is signalled', async () => {
  const child = spawn('sleep', ['60']);
  const pidfd = pidfdOpen(child.pid ?? 0);
  expect(pidfdSendSignal(pidfd, 15)).toBe(true);
  await new Promise((done) => child.once('exit', done));
  expect(pidfdSendSignal(pidfd, 0)).toBe(false);
  closeSync(pidfd);
});

test('a thread that visited a network namespace is home again, after a throw too', () => {
  const home = readlinkSync('/proc/thread-self/ns/net');
  const fd = newNetworkNamespace();
  expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
  expect(inNetworkNamespace(fd, () => readlinkSync('/proc/thread-self/ns/net'))).not.toBe(home);
  expect(() => inNetworkNamespace(fd, () => { throw new Error('inside'); })).toThrow('inside');
  expect(readlinkSync('/proc/thread-self/ns/net')).toBe(home);
  closeSync(fd);
});

test('who connects to a unix socket is known by pid, uid and gid', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(join(root, 's'), done));
  const accepted = new Promise<Socket>((done) => server.once('connection', done));
  const client = connect(join(root, 's'));
  const socket = await accepted;
  // Node names a socket's descriptor only on its inner handle.
  const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const peer = peerCredentials(fd);
  expect(peer).toMatchObject({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  expect(new Set([peer.gid, ...peer.groups])).toEqual(new Set(process.getgroups?.())); // Node's has the process's own group too
  expect(() => peerCredentials(dir)).toThrow('ENOTSOCK');
  expect(hasReadAll(fd)).toBe(true);
  client.pause();
  socket.write('to be read');
  expect(hasReadAll(fd)).toBe(false);
  client.resume();
  await expect.poll(() => hasReadAll(fd)).toBe(true);
  client.destroy();
  socket.destroy();
  await new Promise((done) => server.close(done));
});

test('a tree deeper than any path is removed whole', async () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-deep-'));
  // By the shell, which goes down a step at a time, as a container can.
  execFileSync('sh', ['-c', 'cd "$0" && i=0 && while [ $i -lt 60 ]; do mkdir "$1" && cd -P "$1" && : > file && ln -s /etc link && i=$((i+1)) || exit 1; done', root, 'd'.repeat(200)]);
  await removeTree(root);
  expect(existsSync(root)).toBe(false);
  await removeTree(root);
});

test('what cannot be removed is told by the reason, and keeps nothing beside it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-stuck-'));
  for (const tree of ['a', 'b', 'c']) {
    mkdirSync(join(root, tree));
    writeFileSync(join(root, tree, 'file'), '');
  }
  execFileSync('chattr', ['+i', join(root, 'b/file')]);
  try {
    await expect(removeTrees(['a', 'b', 'c'].map((tree) => join(root, tree)))).rejects.toThrow(`EPERM: operation not permitted, unlink '${root}/b/file'`);
    expect(readdirSync(root)).toEqual(['b']);
  } finally {
    execFileSync('chattr', ['-i', join(root, 'b/file')]);
  }
  await removeTree(root);
});

test('a file is locked by one at a time, and no more when its holder was killed', async () => {
  const path = join(root, 'lock');
  const holder = spawn('flock', ['--no-fork', path, 'sh', '-c', 'echo held; exec sleep 60']);
  await new Promise((held) => holder.stdout.once('data', held));
  expect(lockFile(path)).toBeUndefined();
  holder.kill('SIGKILL');
  await new Promise((gone) => holder.once('close', gone));
  const fd = lockFile(path);
  expect(fd).toBeGreaterThan(0);
  expect(lockFile(path)).toBeUndefined();
  closeSync(fd ?? -1);
});

test('a directory gets one more flag where its file system knows it, and is refused elsewhere', () => {
  if (statfsMagic(root) === FILE_SYSTEM.ext) {
    const before = inodeFlags(dir);
    addInodeFlag(dir, FS_TOPDIR_FL);
    expect(inodeFlags(dir)).toBe(before | FS_TOPDIR_FL);
  }
  const proc = openSync('/proc', constants.O_RDONLY);
  try {
    expect(() => addInodeFlag(proc, FS_TOPDIR_FL)).toThrow(expect.objectContaining({ code: 'ENOTTY', call: 'ioctl FS_IOC_GETFLAGS' }));
  } finally {
    closeSync(proc);
  }
});
