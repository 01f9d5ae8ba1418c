import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { unavailable } from '#libs/errors/errors.js';

/** An open file descriptor. Who is given one by a function of this library owns it and closes it. */
export type Fd = number;

/** A path as text, or as the bytes an archive holds, which need not be UTF-8. */
export type PathLike = string | Uint8Array;

/** The addon as it is: numbers in, a number or -errno out. Use the wrappers beside this file. */
interface Native {
  peerCredentials(fd: Fd): readonly [number, number, number, ...number[]] | number;
  unreadOutput(fd: Fd): number;
  pidfdOpen(pid: number): number;
  pidfdSendSignal(pidfd: Fd, signal: number): number;
  newNetworkNamespace(): number;
  newNetworkNamespaceAsync(): Promise<number> | number;
  ownNetworkNamespace(): number;
  setNetworkNamespace(fd: Fd): number;
  newUserNamespace(uidMap: string, gidMap: string): readonly [Fd, Fd] | number;
  newUserNamespaceAsync(uidMap: string, gidMap: string): Promise<readonly [Fd, Fd] | number> | number;
  newNetworkNamespaceIn(user: Fd): number;
  makeFilesAs(uid: number, gid: number): number;
  netlinkSocket(protocol: number, namespace: Fd): number;
  netlinkTransact(fd: Fd, request: Uint8Array, atomic: number): Buffer | number;
  netlinkTransactAsync(fd: Fd, request: Uint8Array, atomic: number): Promise<Buffer | number> | number;
  connectUnixDatagram(path: PathLike): number;
  sendDatagram(fd: Fd, bytes: Uint8Array): number;
  openat2(directory: Fd, path: PathLike, flags: number, mode: number, resolve: number): number;
  mkdirat(directory: Fd, path: PathLike, mode: number): number;
  mknodat(directory: Fd, path: PathLike, mode: number, major: number, minor: number): number;
  symlinkat(target: PathLike, directory: Fd, path: PathLike): number;
  linkat(fromDirectory: Fd, from: PathLike, toDirectory: Fd, to: PathLike, flags: number): number;
  unlinkat(directory: Fd, path: PathLike, flags: number): number;
  renameat2(fromDirectory: Fd, from: PathLike, toDirectory: Fd, to: PathLike, flags: number): number;
  fchownat(directory: Fd, path: PathLike, uid: number, gid: number, flags: number): number;
  utimensat(directory: Fd, path: PathLike, atime: number, atimeNs: number, mtime: number, mtimeNs: number, flags: number): number;
  fsetxattr(fd: Fd, name: string, value: Uint8Array, flags: number): number;
  lsetxattr(path: PathLike, name: string, value: Uint8Array, flags: number): number;
  lgetxattr(path: PathLike, name: string): Buffer | number;
  llistxattr(path: PathLike): Buffer | number;
  memfdCreate(name: string): number;
  addSeals(fd: Fd, seals: number): number;
  sendfile(out: Fd, from: Fd, count: number): number;
  preadEach(fds: Int32Array, room: Uint8Array, lengths: Int32Array): number;
  syncfs(fd: Fd): number;
  flock(fd: Fd, operation: number): number;
  duplicate(fd: Fd): number;
  inodeFlags(fd: Fd): number;
  setInodeFlags(fd: Fd, flags: number): number;
  fsopen(type: string): number;
  fsconfig(fd: Fd, command: number, key: string, value: string): number;
  fsmount(fd: Fd, attributes: number): number;
  mount(source: PathLike, target: PathLike, type: string, flags: number, data: string): number;
  umount2(target: PathLike, flags: number): number;
  cloneMount(path: PathLike, recursive: 0 | 1): number;
  cloneMountsAt(directory: Fd): number;
  setMountIds(fd: Fd, userNamespace: Fd): number;
  setMountReadOnly(fd: Fd, recursive: 0 | 1): number;
  attachMount(fd: Fd, target: PathLike): number;
  newMountNamespace(): number;
  setMountNamespace(fd: Fd): number;
  fchdir(fd: Fd): number;
  statfsMagic(path: PathLike): number;
}

function load(): Native {
  const path = fileURLToPath(new URL('../../native/linux.node', import.meta.url));
  if (!existsSync(path)) throw unavailable(`the addon ${path} is not built: run npm run build`);
  // The cast is the border to C: libs/linux/native holds what this interface says.
  return createRequire(import.meta.url)(path) as Native;
}

export const native: Native = load();
