import { internal } from '#libs/errors/errors.js';
import type { Action, ArgCondition } from './profile.js';

/** linux/bpf_common.h */
const LD_ABS = 0x20;
const JUMP = 0x05;
const JEQ = 0x15;
const JGT = 0x25;
const JGE = 0x35;
const AND = 0x54;
const RET = 0x06;

/** struct seccomp_data (linux/seccomp.h): nr, arch, instruction pointer, six arguments of 64 bits. */
const NUMBER_AT = 0;
const ARCH_AT = 4;
const ARGS_AT = 16;
/** BPF_MAXINSNS: the kernel takes no more. */
const LIMIT = 4096;
const LONGEST_BRANCH = 255;

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** What becomes of one system call. */
export interface Decision {
  /** The first whose conditions all hold. */
  readonly when: readonly { readonly args: readonly ArgCondition[]; readonly action: Action }[];
  readonly otherwise: Action;
}

/** Decisions for a range of numbers, from `start` to the next one's. The first starts at 0. */
export interface Range {
  readonly start: number;
  readonly decision: Decision;
}

export interface ArchFilter {
  /** AUDIT_ARCH_* (linux/audit.h) */
  readonly audit: number;
  /** By ascending start. */
  readonly ranges: readonly Range[];
}

const KILL_PROCESS: Action = { kind: 'KILL_PROCESS', data: 0 };

/**
 * The filter as seccomp(2) takes it: struct sock_filter (u16 code, u8 jt, u8 jf, u32 k, little endian), one after the other. Machines are tried in order, a machine
 * not listed is killed; numbers are found by halving, so a call costs about eight instructions. Throws `internal` for more than 4096 instructions.
 */
export function compileBpf(machines: readonly ArchFilter[]): Uint8Array {
  const program: Instruction[] = [load(ARCH_AT)];
  for (const { audit, ranges } of machines) {
    const body = [load(NUMBER_AT), ...search(merged(ranges))];
    program.push(...unless(JEQ, audit, body));
  }
  program.push(give(KILL_PROCESS));
  if (program.length > LIMIT) throw internal(`the seccomp filter has ${program.length} instructions, more than ${LIMIT}`);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  return bytes;
}

/** `body` where the comparison holds, else on behind it. */
function unless(code: number, k: number, body: readonly Instruction[]): Instruction[] {
  return body.length <= LONGEST_BRANCH ? [{ code, jt: 0, jf: body.length, k }, ...body] : [{ code, jt: 1, jf: 0, k }, { code: JUMP, jt: 0, jf: 0, k: body.length }, ...body];
}

/** Every path ends in a RET, so two halves need no jump behind them. */
function search(ranges: readonly Range[]): Instruction[] {
  const [first] = ranges;
  if (first === undefined) throw internal('a machine without any range');
  if (ranges.length === 1) return decide(first.decision);
  const middle = ranges.length >> 1;
  const upper = search(ranges.slice(middle));
  return [...unless(JGE, ranges[middle]?.start ?? 0, upper), ...search(ranges.slice(0, middle))];
}

function decide({ when, otherwise }: Decision): Instruction[] {
  const rules = when.map(({ args, action }) => {
    let code: Instruction[] = [give(action)];
    // From the last to the first: a condition has to know how far it is to the end of its rule.
    for (const arg of args.toReversed()) code = [...condition(arg, code.length), ...code];
    return code;
  });
  return [...rules.flat(), give(otherwise)];
}

/** Falls through when the condition holds, else jumps over `rest` more instructions. BPF computes in 32 bits: the upper half first. */
function condition({ index, op, value, valueTwo }: ArgCondition, rest: number): Instruction[] {
  const low = load(ARGS_AT + 8 * index);
  const high = load(ARGS_AT + 8 * index + 4);
  const [h, l] = halves(value);
  // Each jump counts from the instruction after its own.
  const test = (code: number, k: number, holds: number, fails: number): Instruction => ({ code, jt: holds, jf: fails, k });
  const out = (remaining: number): number => remaining + rest;
  switch (op) {
    case 'EQ':
      return [high, test(JEQ, h, 0, out(2)), low, test(JEQ, l, 0, out(0))];
    case 'NE':
      return [high, test(JEQ, h, 0, 2), low, test(JEQ, l, out(0), 0)];
    case 'GT':
      return [high, test(JGT, h, 3, 0), test(JEQ, h, 0, out(2)), low, test(JGT, l, 0, out(0))];
    case 'GE':
      return [high, test(JGT, h, 3, 0), test(JEQ, h, 0, out(2)), low, test(JGE, l, 0, out(0))];
    case 'LT':
      return [high, test(JGT, h, out(3), 0), test(JEQ, h, 0, 2), low, test(JGE, l, out(0), 0)];
    case 'LE':
      return [high, test(JGT, h, out(3), 0), test(JEQ, h, 0, 2), low, test(JGT, l, out(0), 0)];
    case 'MASKED_EQ': {
      const [wantedHigh, wantedLow] = halves(valueTwo);
      const and = (k: number): Instruction => ({ code: AND, jt: 0, jf: 0, k });
      return [high, and(h), test(JEQ, wantedHigh, 0, out(3)), low, and(l), test(JEQ, wantedLow, 0, out(0))];
    }
  }
}

const load = (offset: number): Instruction => ({ code: LD_ABS, jt: 0, jf: 0, k: offset });
const halves = (value: bigint): readonly [number, number] => [Number((value >> 32n) & 0xffffffffn), Number(value & 0xffffffffn)];

/** SECCOMP_RET_* (linux/seccomp.h) */
const RETURNS: Readonly<Record<Action['kind'], number>> = {
  KILL_PROCESS: 0x80000000, KILL_THREAD: 0, TRAP: 0x00030000, ERRNO: 0x00050000, TRACE: 0x7ff00000, LOG: 0x7ffc0000, ALLOW: 0x7fff0000,
};
const give = ({ kind, data }: Action): Instruction => ({ code: RET, jt: 0, jf: 0, k: RETURNS[kind] + (data & 0xffff) });

/** Neighbours with one decision are one range. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const kept: Range[] = [];
  let before = '';
  for (const range of ranges) {
    const text = JSON.stringify(range.decision, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
    if (text !== before) kept.push(range);
    before = text;
  }
  return kept;
}
