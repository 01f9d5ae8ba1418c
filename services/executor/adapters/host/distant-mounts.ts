import { readFileSync } from 'node:fs';
import { withFirstProcess } from './first-process.js';

/** File systems of which the kernel knows all by itself, or from a disk of this machine. */
const NEAR = /^(overlay|tmpfs|ramfs|proc|sysfs|devpts|devtmpfs|mqueue|cgroup2?|hugetlbfs|securityfs|debugfs|tracefs|configfs|bpf|ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|jfs|erofs|squashfs|vfat|exfat|ntfs3|iso9660|udf|nsfs)$/;

/** Whether a running container has a mount in which a look may take as long as somebody else likes: of a network, or of a process (fuse(4)), its own maybe. Throws as withFirstProcess does. */
export function hasDistantMounts(container: string, pid: number): boolean {
  // proc_pid_mountinfo(5): the type is the first behind the lone hyphen.
  const types = (text: string): readonly string[] => text.split('\n').flatMap((line) => line.split(' - ')[1]?.split(' ', 1) ?? []);
  return withFirstProcess(container, pid, (first) => types(readFileSync(`/proc/self/fd/${first}/mountinfo`, 'latin1')).some((type) => !NEAR.test(type)));
}
