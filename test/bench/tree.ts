import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A shell command to run in a mount namespace of its own, `&& exec PROGRAM` to follow: its root becomes the system below `tree` with this machine's devices, /sys and cgroups, a /proc of
 * its own network namespace, and `shared` folders of the host at the same paths. What it writes elsewhere goes to `scratch`, a folder on a disk that overlay takes. All mounts go
 * with the namespace. Not chroot(2) alone: runc changes roots by pivot_root(2), which refuses below a root that is no mount.
 */
export function enterTree(tree: string, scratch: string, shared: readonly string[]): string {
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(scratch, name)) as [string, string, string];
  for (const folder of [upper, work, root]) mkdirSync(folder, { recursive: true });
  return [
    `mount -t overlay -o lowerdir=${tree},upperdir=${upper},workdir=${work} none ${root}`,
    `cd ${root}`,
    'mount -t proc proc proc',
    'mount --rbind /sys sys',
    'mount --rbind /dev dev',
    'mount -t tmpfs none run',
    'mount -t tmpfs none tmp',
    ...shared.map((path) => `mkdir -p .${path} && mount --bind ${path} .${path}`),
    'mkdir tmp/host && pivot_root . tmp/host && cd / && umount -l /tmp/host',
  ].join(' && ');
}
