import { expect, test } from 'vitest';
import { containerProfile } from './container-profile.js';
import { defaultProfile } from './default-profile.js';

const bare = defaultProfile({ has: () => false, engine: 'unconfined' });
const lines = (text: string): readonly string[] => text.split('\n').map((line) => line.trim());

/** Whether a rule denies to write there: apparmor.d(5), "Globbing". */
function isDenied(path: string): boolean {
  const patterns = lines(bare).flatMap((line) => /^deny (\S+) \w*w\w*,$/.exec(line)?.[1] ?? []);
  return patterns.some((pattern) => new RegExp(`^${expression(pattern.replace('@{PROC}', '/proc'))}$`).test(path));
}
const WORDS: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]', '{': '(?:', '}': ')', ',': '|' };
const expression = (pattern: string): string => pattern.replaceAll(/\[[^\]]*\]|\*\*|./g, (word) => WORDS[word] ?? word);

test.each(['/proc/kcore', '/proc/sysrq-trigger', '/proc/uptime', '/proc/acpi/wakeup', '/proc/irq/1/smp_affinity', '/proc/fs/ext4/x', '/proc/sysvipc/shm', '/proc/scsi/scsi'])('%s is not written to', (path) => expect(isDenied(path)).toBe(true));
test.each(['/proc/sys/net/ipv4/ip_forward', '/proc/sys/vm/swappiness', '/proc/sys/fs/binfmt_misc/register', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/kernel/hostname'])('%s is not written to', (path) => expect(isDenied(path)).toBe(true));
test.each(['/sys/kernel/mm/ksm/run', '/sys/class/net/eth0/mtu', '/sys/firmware/efi/efivars/x', '/sys/fs/bpf/x', '/sys/fs/fuse/connections/1/abort', '/sys/devices/virtual/powercap/x/y', '/sys/block/sda/queue/x'])('%s is not written to', (path) => expect(isDenied(path)).toBe(true));
test.each(['/proc/1/oom_score_adj', '/proc/77/task/77/attr/current', '/proc/sys/kernel/shmmax', '/proc/sys/kernel/shm_rmid_forced', '/sys/fs/cgroup/a/cgroup.procs', '/procedure/x', '/data/proc/sys/vm/x'])('%s may be', (path) => expect(isDenied(path)).toBe(false));

test('nobody mounts', () => expect(lines(bare)).toContain('deny mount,'));

test('what the host has of AppArmor\'s own files is made use of', () => {
  expect(lines(bare).slice(0, 2)).toEqual(['@{PROC}=/proc/', 'profile "docker-default" flags=(attach_disconnected, mediate_deleted) {']);
  const whole = lines(defaultProfile({ has: () => true, engine: 'unconfined' }));
  expect(whole.slice(0, 4)).toEqual(['abi <abi/3.0>,', 'include <tunables/global>', 'profile "docker-default" flags=(attach_disconnected, mediate_deleted) {', 'include <abstractions/base>']);
});

test('an engine that is confined itself may signal its containers', () => {
  const peers = (engine: string): readonly string[] => lines(defaultProfile({ has: () => false, engine })).flatMap((line) => /^signal \(receive\) peer="(.*)",$/.exec(line)?.[1] ?? []);
  expect(peers('unconfined')).toEqual(['unconfined', 'runc', 'crun']);
  expect(peers('my engine')).toEqual(['unconfined', 'my engine', 'runc', 'crun']);
});

test('the profile is the one asked for, else the default one, and of a privileged container none', () => {
  expect(containerProfile({ privileged: false })).toBe('docker-default');
  expect(containerProfile({ privileged: true })).toBe('unconfined');
  expect(containerProfile({ privileged: true, apparmor: 'mine' })).toBe('mine');
  expect(containerProfile({ privileged: false, apparmor: 'unconfined' })).toBe('unconfined');
});
