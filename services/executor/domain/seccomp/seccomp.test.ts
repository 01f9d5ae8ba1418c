import { expect, test } from 'vitest';
import { DEFAULT_CAPABILITIES } from '#contracts/executor/default-capabilities.js';
import { CAPABILITIES } from '../spec/capabilities.js';
import { runFilter } from './testing/bpf-interpreter.js';
import { compileSeccomp, type SeccompTarget } from './compile-seccomp.js';
import { containerFilter } from './container-filter.js';
import { DEFAULT_PROFILE } from './default-profile.js';
import { parseProfile } from './profile.js';
import { AARCH64_SYSCALLS } from './syscalls-aarch64.js';
import { X32_BIT, X86_64_SYSCALLS } from './syscalls-x86-64.js';
import { X86_SYSCALLS } from './syscalls-x86.js';

const X86_64 = 0xc000003e;
const X86 = 0x40000003;
const AARCH64 = 0xc00000b7;
const target: SeccompTarget = { machine: 'x86_64', kernel: '6.18' };
const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const KILL_PROCESS = 0x80000000;

const number = (name: string): number => X86_64_SYSCALLS.get(name) ?? -1;
const withDefault = (capabilities: readonly string[]) => {
  const program = compileSeccomp(DEFAULT_PROFILE, capabilities, target);
  return (name: string, ...args: bigint[]): number => runFilter(program, { arch: X86_64, number: number(name), args }).verdict;
};
const profile = (json: object) => parseProfile(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', ...json }));
const readRule = (args: object[], action = 'SCMP_ACT_ALLOW') => compileSeccomp(profile({ syscalls: [{ names: ['read'], action, args }] }), [], target);

test('by default ordinary calls pass, and what reaches the kernel deeper is refused', () => {
  const verdict = withDefault(DEFAULT_CAPABILITIES);
  for (const name of ['read', 'execve', 'openat2', 'chroot', 'ptrace', 'clone', 'socket', 'mseal', 'arch_prctl']) expect([name, verdict(name)]).toEqual([name, ALLOW]);
  for (const name of ['mount', 'umount2', 'unshare', 'setns', 'bpf', 'keyctl', 'add_key', 'reboot', 'swapon', 'init_module', 'kexec_load', 'io_uring_setup', 'userfaultfd', 'pivot_root', 'open_by_handle_at', 'acct']) {
    expect([name, verdict(name)]).toEqual([name, EPERM]);
  }
});

test('clone makes no namespaces and clone3 sends libraries back to it, but for who has CAP_SYS_ADMIN', () => {
  const verdict = withDefault([]);
  expect(verdict('clone', 0x01200011n)).toBe(ALLOW);
  for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n]) expect(verdict('clone', flag | 17n)).toBe(EPERM);
  expect(verdict('clone3')).toBe(ENOSYS);
  const admin = withDefault(['CAP_SYS_ADMIN']);
  for (const name of ['clone', 'clone3', 'mount', 'setns', 'unshare', 'fsopen', 'bpf']) expect([name, admin(name, 0x20000n)]).toEqual([name, ALLOW]);
});

test('personalities that turn protections off are refused', () => {
  const verdict = withDefault([]);
  for (const persona of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn]) expect(verdict('personality', persona)).toBe(ALLOW);
  for (const persona of [0x40000n, 1n, 0x100000000n, 0x1_00000008n]) expect(verdict('personality', persona)).toBe(EPERM);
});

test('AF_VSOCK is refused, also when bits the kernel does not read are set', () => {
  const verdict = withDefault([]);
  for (const family of [1n, 2n, 10n, 16n]) expect(verdict('socket', family)).toBe(ALLOW);
  for (const family of [40n, 0x1_00000028n]) expect(verdict('socket', family)).toBe(EPERM);
});

test('each capability opens its own calls and no more', () => {
  const opened: readonly [string, string][] = [
    ['CAP_SYS_CHROOT', 'chroot'], ['CAP_SYS_MODULE', 'init_module'], ['CAP_SYS_PACCT', 'acct'], ['CAP_SYS_BOOT', 'reboot'], ['CAP_SYS_TTY_CONFIG', 'vhangup'], ['CAP_SYS_NICE', 'mbind'],
    ['CAP_SYSLOG', 'syslog'], ['CAP_BPF', 'bpf'], ['CAP_PERFMON', 'perf_event_open'], ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'], ['CAP_SYS_RAWIO', 'iopl'], ['CAP_SYS_TIME', 'clock_settime'], ['CAP_SYS_PTRACE', 'kcmp'],
  ];
  for (const [capability, name] of opened) {
    expect([name, withDefault(CAPABILITIES.filter((one) => one !== capability && one !== 'CAP_SYS_ADMIN'))(name)]).toEqual([name, EPERM]);
    expect([name, withDefault([capability])(name)]).toEqual([name, ALLOW]);
  }
});

test('32-bit and x32 programs have the same rules under their own numbers; any other machine is killed', () => {
  const program = compileSeccomp(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, target);
  const verdict = (arch: number, call: number, args: bigint[] = []): number => runFilter(program, { arch, number: call, args }).verdict;
  expect(verdict(X86, X86_SYSCALLS.get('waitpid') ?? -1)).toBe(ALLOW);
  expect(verdict(X86, X86_SYSCALLS.get('mount') ?? -1)).toBe(EPERM);
  expect(verdict(X86, X86_SYSCALLS.get('socket') ?? -1, [40n])).toBe(EPERM);
  expect(verdict(X86_64, X32_BIT + number('getpid'))).toBe(ALLOW);
  expect(verdict(X86_64, X32_BIT + 520)).toBe(ALLOW); // execve of x32
  expect(verdict(X86_64, X32_BIT + number('mount'))).toBe(EPERM);
  expect(verdict(AARCH64, 0)).toBe(KILL_PROCESS);
  const arm = compileSeccomp(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, { machine: 'aarch64', kernel: '6.18' });
  expect(runFilter(arm, { arch: AARCH64, number: AARCH64_SYSCALLS.get('read') ?? -1 }).verdict).toBe(ALLOW);
  expect(runFilter(arm, { arch: AARCH64, number: AARCH64_SYSCALLS.get('mount') ?? -1 }).verdict).toBe(EPERM);
});

test('a call newer than the profile is ENOSYS, so that libraries take their older way', () => {
  const program = compileSeccomp(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, target);
  for (const call of [600, X32_BIT - 1, X32_BIT + 600]) expect(runFilter(program, { arch: X86_64, number: call }).verdict).toBe(ENOSYS);
  expect(runFilter(compileSeccomp(profile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO' }] }), [], target), { arch: X86_64, number: 600 }).verdict).toBe(ALLOW);
});

test('every comparison is one of 64 bits', () => {
  const values = [0n, 1n, 5n, 0xffffffffn, 0x1_00000000n, 0x1_00000005n, 0x2_00000004n, 0xffffffff_ffffffffn];
  const pivots = [0n, 5n, 0xffffffffn, 0x1_00000005n, 0x1f_ffff_ffff_ffffn];
  const holds = { EQ: (a: bigint, b: bigint) => a === b, NE: (a: bigint, b: bigint) => a !== b, LT: (a: bigint, b: bigint) => a < b, LE: (a: bigint, b: bigint) => a <= b, GT: (a: bigint, b: bigint) => a > b, GE: (a: bigint, b: bigint) => a >= b };
  for (const [op, is] of Object.entries(holds)) {
    for (const pivot of pivots) {
      const program = readRule([{ index: 2, op: `SCMP_CMP_${op}`, value: Number(pivot) }]);
      for (const value of [...values, pivot]) expect([op, pivot, value, runFilter(program, { arch: X86_64, number: 0, args: [0n, 0n, value] }).verdict]).toEqual([op, pivot, value, is(value, pivot) ? ALLOW : EPERM]);
    }
  }
  const masked = readRule([{ index: 5, op: 'SCMP_CMP_MASKED_EQ', value: 0x1_0000000f, valueTwo: 0x1_00000003 }]);
  const verdict = (value: bigint) => runFilter(masked, { arch: X86_64, number: 0, args: [0n, 0n, 0n, 0n, 0n, value] }).verdict;
  expect([verdict(0x1_00000003n), verdict(0xff_000000f3n), verdict(0x3n), verdict(0x1_00000007n)]).toEqual([ALLOW, ALLOW, EPERM, EPERM]);
});

test('conditions on different arguments must all hold, on the same one any', () => {
  const both = readRule([{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }, { index: 1, op: 'SCMP_CMP_EQ', value: 2 }]);
  const either = readRule([{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }, { index: 0, op: 'SCMP_CMP_EQ', value: 2 }]);
  const verdict = (program: Uint8Array, ...args: bigint[]) => runFilter(program, { arch: X86_64, number: 0, args }).verdict;
  expect([verdict(both, 1n, 2n), verdict(both, 1n, 1n), verdict(both, 0n, 2n)]).toEqual([ALLOW, EPERM, EPERM]);
  expect([verdict(either, 1n), verdict(either, 2n), verdict(either, 3n)]).toEqual([ALLOW, ALLOW, EPERM]);
});

test('actions become the kernel\'s values', () => {
  const values: readonly [string, number][] = [
    ['SCMP_ACT_ALLOW', ALLOW], ['SCMP_ACT_KILL', 0], ['SCMP_ACT_KILL_THREAD', 0], ['SCMP_ACT_KILL_PROCESS', KILL_PROCESS], ['SCMP_ACT_TRAP', 0x30000], ['SCMP_ACT_LOG', 0x7ffc0000], ['SCMP_ACT_TRACE', 0x7ff00001], ['SCMP_ACT_ERRNO', EPERM],
  ];
  for (const [action, value] of values) expect([action, runFilter(readRule([], action), { arch: X86_64, number: 0 }).verdict]).toEqual([action, value]);
  const withErrno = compileSeccomp(profile({ defaultErrnoRet: 38, syscalls: [{ name: 'read', action: 'SCMP_ACT_ERRNO', errnoRet: 13 }] }), [], target);
  expect(runFilter(withErrno, { arch: X86_64, number: 0 }).verdict).toBe(0x5000d);
});

test('the filter fits the kernel, and a call takes few instructions of it', () => {
  const filters = [compileSeccomp(DEFAULT_PROFILE, DEFAULT_CAPABILITIES, target), compileSeccomp(DEFAULT_PROFILE, CAPABILITIES, target)];
  // The worst there can be: no two neighbours alike.
  const names = [...new Set([...X86_64_SYSCALLS.keys(), ...X86_SYSCALLS.keys()])];
  filters.push(compileSeccomp(profile({ syscalls: names.map((name, index) => ({ names: [name], action: 'SCMP_ACT_ERRNO', errnoRet: index % 97 })) }), [], target));
  for (const filter of filters) {
    expect(filter.length % 8).toBe(0);
    expect(filter.length / 8).toBeLessThanOrEqual(4096);
    for (const name of ['read', 'write', 'futex', 'openat']) expect(runFilter(filter, { arch: X86_64, number: number(name) }).instructions).toBeLessThan(30);
  }
});

test('a profile that is none is refused with its place', () => {
  expect(() => parseProfile('{')).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('Decoding seccomp profile failed') as string }) as Error);
  expect(() => profile({ defaultAction: 'SCMP_ACT_MAYBE' })).toThrow('defaultAction');
  expect(() => profile({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 6, op: 'SCMP_CMP_EQ', value: 0 }] }] })).toThrow('syscalls[0].args[0].index');
  expect(() => profile({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 2 ** 60 }] }] })).toThrow('value');
  expect(() => profile({ syscalls: new Array(5000).fill({ names: ['read'], action: 'SCMP_ACT_ALLOW' }) })).toThrow('4096');
  expect(() => parseProfile(' '.repeat((1 << 20) + 1))).toThrow('bytes');
  expect(() => compileSeccomp(profile({ architectures: ['SCMP_ARCH_S390X'] }), [], target)).toThrow('not for x86_64');
});

test('privileged and unconfined containers have no filter', () => {
  expect(containerFilter({ privileged: true, seccomp: 'default' }, [])).toBeUndefined();
  expect(containerFilter({ privileged: false, seccomp: 'unconfined' }, [])).toBeUndefined();
  expect(containerFilter({ privileged: false, seccomp: 'default' }, ['CAP_KILL'])).toBe(containerFilter({ privileged: false, seccomp: 'default' }, ['CAP_KILL']));
});
