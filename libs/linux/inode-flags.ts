import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** Directories in this one have nothing to do with each other: ext4 puts each into a part of the disk of its own (ext4(5), `chattr +T`). */
export const FS_TOPDIR_FL = 0x20000;

/** ioctl_iflags(2) of a file or directory. Throws SystemCallError; ENOTTY, EOPNOTSUPP: its file system has none, or not this one. */
export function addInodeFlag(fd: Fd, flag: number): void {
  const before = checked('ioctl FS_IOC_GETFLAGS', native.inodeFlags(fd), { fd });
  checked('ioctl FS_IOC_SETFLAGS', native.setInodeFlags(fd, before | flag), { fd, flag });
}

export const inodeFlags = (fd: Fd): number => checked('ioctl FS_IOC_GETFLAGS', native.inodeFlags(fd), { fd });
