import { expect, test } from 'vitest';
import { distantPlaces, hasDistantBelow, nearMounts } from './distant-mounts.js';

test('what a network or a process answers for is distant, whatever its place and options look like', () => {
  const lines = [
    '21 1 252:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw',
    '22 21 0:20 / /proc rw,nosuid - proc proc rw',
    '23 22 0:30 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw',
    '24 21 0:41 /export /srv/a\\040-\\040b rw,relatime shared:9 - nfs4 host:/export rw,addr=10.0.0.1',
    '25 21 0:42 / /mnt rw - fuse.sshfs - rw,user_id=0',
    '26 21 0:43 / /run rw - tmpfs nfs rw',
  ];
  expect(distantPlaces(`${lines.join('\n')}\n`)).toEqual(['/proc/sys/fs/binfmt_misc', '/srv/a\\040-\\040b', '/mnt']);
});

test('what is mounted below a mount counts, however deep and in whatever order, and what is beside it does not', () => {
  const lines = ['43 42 0:53 / /sys/a/b rw - fuse - rw', '42 41 0:52 / /sys/a rw - tmpfs tmpfs rw', '41 21 0:51 / /sys rw - overlay overlay rw', '44 21 0:54 / /mnt rw - nfs h:/ rw'].join('\n');
  expect(['41', '42', '43', '44', undefined].map((top) => hasDistantBelow(lines, top))).toEqual([true, true, true, true, false]);
  expect(hasDistantBelow(lines.replace('- fuse', '- tmpfs'), '41')).toBe(false);
});

test('of overlays only that of the root is near: another may lie on what is distant, though that is mounted nowhere any more', () => {
  const lines = ['40 30 0:50 / / rw - overlay overlay rw,lowerdir=/l', '41 40 0:51 / /etc rw - overlay overlay rw,lowerdir=/mnt', '42 40 0:52 / /run rw - tmpfs tmpfs rw', '43 40 0:53 / /mnt rw - fuse - rw'];
  expect([...nearMounts(lines.join('\n'), '40')]).toEqual(['40', '42']);
});
