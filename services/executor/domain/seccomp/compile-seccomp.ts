import { invalid } from '#libs/errors/errors.js';
import { compileBpf, type ArchFilter, type Decision, type Range } from './compile-bpf.js';
import type { Action, ArgCondition, RuleFilter, SeccompProfile, SyscallRule } from './profile.js';
import { AARCH64_SYSCALLS } from './syscalls-aarch64.js';
import { X32_BIT, X32_OWN_SYSCALLS, X86_64_SYSCALLS } from './syscalls-x86-64.js';
import { X86_SYSCALLS } from './syscalls-x86.js';
import type { SyscallTable } from './syscall-table.js';

export type Machine = 'x86_64' | 'aarch64';

export interface SeccompTarget {
  readonly machine: Machine;
  /** "6.18": of rules that want at least some kernel. */
  readonly kernel: string;
}

/** The oldest kernel Berth runs on (mount_setattr(2)); what wants a newer one is then left out, which allows less, not more. */
const THIS_MACHINE: SeccompTarget = { machine: process.arch === 'arm64' ? 'aarch64' : 'x86_64', kernel: '5.12' };

interface Table {
  readonly name: string;
  readonly syscalls: SyscallTable;
  /** Added to every number. */
  readonly bit: number;
}

interface Architecture {
  readonly audit: number;
  /** libseccomp's names to tables: one audit architecture may have two, told apart by a bit of the number. */
  readonly tables: readonly Table[];
}

const ARCHITECTURES: Readonly<Record<Machine, { readonly goName: string; readonly accepted: readonly Architecture[] }>> = {
  x86_64: {
    goName: 'amd64',
    accepted: [
      {
        audit: 0xc000003e,
        tables: [
          { name: 'SCMP_ARCH_X86_64', syscalls: X86_64_SYSCALLS, bit: 0 },
          { name: 'SCMP_ARCH_X32', syscalls: new Map([...X86_64_SYSCALLS, ...X32_OWN_SYSCALLS]), bit: X32_BIT },
        ],
      },
      { audit: 0x40000003, tables: [{ name: 'SCMP_ARCH_X86', syscalls: X86_SYSCALLS, bit: 0 }] },
    ],
  },
  aarch64: { goName: 'arm64', accepted: [{ audit: 0xc00000b7, tables: [{ name: 'SCMP_ARCH_AARCH64', syscalls: AARCH64_SYSCALLS, bit: 0 }] }] },
};

const NO_SUCH_CALL: Action = { kind: 'ERRNO', data: 38 };

/**
 * The filter of a profile for a process with these capabilities ("CAP_CHOWN"): bytes of struct sock_filter. Rules of one call count in the profile's order, those
 * with conditions first. A call newer than all the profile knows is ENOSYS rather than refused, so that libraries take their older way, as runc has it.
 * Names that no machine here knows are passed over. Throws `invalid` for architectures that exclude this machine, `internal` for a filter too long.
 */
export function compileSeccomp(profile: SeccompProfile, capabilities: readonly string[], target: SeccompTarget = THIS_MACHINE): Uint8Array {
  const { accepted } = ARCHITECTURES[target.machine];
  const rules = rulesFor(profile, capabilities, target);
  const wanted = profile.architectures;
  const machines = accepted.flatMap(({ audit, tables }): ArchFilter[] => {
    const listed = tables.filter(({ name }) => wanted?.includes(name) ?? true);
    return listed.length === 0 ? [] : [{ audit, ranges: rangesOf(listed, rules, profile.defaultAction) }];
  });
  if (machines.length === 0) throw invalid(`the seccomp profile is for ${wanted?.join(', ')}, not for ${target.machine}`);
  return compileBpf(machines);
}

/** The rules of a profile that count for a process with these capabilities, in the profile's order. */
export function rulesFor(profile: SeccompProfile, capabilities: readonly string[], target: SeccompTarget = THIS_MACHINE): readonly SyscallRule[] {
  const { goName } = ARCHITECTURES[target.machine];
  return profile.rules.filter(({ includes, excludes }) => isIncluded(includes, goName, capabilities, target.kernel) && !isExcluded(excludes, goName, capabilities));
}

function isIncluded(filter: RuleFilter, goName: string, capabilities: readonly string[], kernel: string): boolean {
  if (filter.arches.length > 0 && !filter.arches.includes(goName)) return false;
  if (filter.minKernel !== undefined && compareVersions(kernel, filter.minKernel) < 0) return false;
  return filter.caps.every((name) => capabilities.includes(name));
}

function isExcluded(filter: RuleFilter, goName: string, capabilities: readonly string[]): boolean {
  return filter.arches.includes(goName) || filter.caps.some((name) => capabilities.includes(name));
}

function compareVersions(one: string, other: string): number {
  const [a = 0, b = 0] = one.split('.').map(Number.parseFloat);
  const [c = 0, d = 0] = other.split('.').map(Number.parseFloat);
  return a - c || b - d;
}

function rangesOf(tables: readonly Table[], rules: readonly SyscallRule[], defaultAction: Action): readonly Range[] {
  const ranges: Range[] = [];
  const kills: Action = { kind: 'KILL_PROCESS', data: 0 };
  // x32 calls of a profile that has not got x32 are calls of an architecture that is not listed.
  const withBit = tables.some(({ bit }) => bit !== 0) ? tables : tables.concat(tables[0]?.name === 'SCMP_ARCH_X86_64' ? [{ name: '', syscalls: new Map(), bit: X32_BIT }] : []);
  if (withBit[0]?.bit !== 0) ranges.push({ start: 0, decision: { when: [], otherwise: kills } });
  for (const { name, syscalls, bit } of withBit) {
    if (name === '') {
      ranges.push({ start: bit, decision: { when: [], otherwise: kills } });
      continue;
    }
    const decisions = decisionsOf(syscalls, rules, defaultAction);
    const numbers = [...decisions.keys()].sort((a, b) => a - b);
    const newest = numbers.at(-1) ?? -1;
    let next = 0;
    for (const number of numbers) {
      if (number > next) ranges.push({ start: next + bit, decision: { when: [], otherwise: defaultAction } });
      ranges.push({ start: number + bit, decision: decisions.get(number) ?? { when: [], otherwise: defaultAction } });
      next = number + 1;
    }
    const refuses = defaultAction.kind !== 'ALLOW' && defaultAction.kind !== 'LOG' && defaultAction.kind !== 'TRACE';
    ranges.push({ start: next + bit, decision: { when: [], otherwise: refuses && newest >= 0 ? NO_SUCH_CALL : defaultAction } });
  }
  return ranges;
}

function decisionsOf(syscalls: SyscallTable, rules: readonly SyscallRule[], defaultAction: Action): ReadonlyMap<number, Decision> {
  const decisions = new Map<number, { when: Decision['when'][number][]; otherwise?: Action }>();
  for (const { names, action, args } of rules) {
    for (const name of names) {
      const number = syscalls.get(name);
      if (number === undefined) continue;
      const decision = decisions.get(number) ?? { when: [] };
      decisions.set(number, decision);
      if (args.length === 0) decision.otherwise ??= action;
      else decision.when.push(...alternatives(args).map((conditions) => ({ args: conditions, action })));
    }
  }
  return new Map([...decisions].map(([number, { when, otherwise }]) => [number, { when, otherwise: otherwise ?? defaultAction }]));
}

/** Conditions on one argument twice mean either of them, as runc reads profiles. */
function alternatives(args: readonly ArgCondition[]): readonly (readonly ArgCondition[])[] {
  return new Set(args.map(({ index }) => index)).size === args.length ? [args] : args.map((arg) => [arg]);
}
