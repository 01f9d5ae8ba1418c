import { join } from 'node:path';
import { type DeviceAccess, deviceAccess, type DeviceException, MKNOD, READ, WRITE } from './device-access.js';
import { type CgroupLayout, wholePath } from './layout.js';
import type { DeviceRule } from './limits.js';

/**
 * struct bpf_insn (linux/bpf.h, Documentation/bpf/standardization/instruction-set): u8 code, u8 of two registers, s16 offset, s32 value. 32-bit comparisons, since
 * a value is sign-extended for one of 64 bits.
 */
const LOAD_WORD = 0x61;
const MOVE_VALUE = 0xb4;
const MOVE_REGISTER = 0xbc;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;
const JUMP_EQUAL = 0x16;
const JUMP_NOT_EQUAL = 0x56;
const EXIT = 0x95;
const INSTRUCTION_BYTES = 8;

/** Registers: the kernel puts the context in 1 and takes the verdict from 0. */
const VERDICT = 0;
const CONTEXT = 1;
const ACCESS = 2;
const TYPE = 3;
const MAJOR = 4;
const MINOR = 5;
const SCRATCH = 6;

/** struct bpf_cgroup_dev_ctx: access in the upper half and type in the lower one of the first word, major, minor. */
const ACCESS_AND_TYPE_AT = 0;
const MAJOR_AT = 4;
const MINOR_AT = 8;

/** BPF_DEVCG_DEV_* */
const TYPES = { b: 1, c: 2 } as const;
const ALL_ACCESS = MKNOD | READ | WRITE;

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

/** The program that enforces `rules` on the cgroup `path`, and the directory of v2 to attach it to. Undefined: v1's files do it, or there is nothing to forbid. */
export function deviceFilter(layout: CgroupLayout, path: string, rules: readonly DeviceRule[]): { readonly path: string; readonly program: Uint8Array } | undefined {
  if (layout.unified === undefined || layout.controllers.has('devices')) return undefined;
  const program = compileDeviceFilter(deviceAccess(rules));
  return program && { path: join(layout.unified, wholePath(layout, path)), program };
}

/**
 * A program of the kernel's type BPF_PROG_TYPE_CGROUP_DEVICE that says of one access whether it is allowed; v2 has no files for device rules. Undefined: everything
 * is allowed, no program is needed. An access is for what open(2) or mknod(2) asked, "rw" together: allowed by an exception that holds all of it, forbidden by
 * one that holds any of it.
 */
export function compileDeviceFilter(access: DeviceAccess): Uint8Array | undefined {
  if (access.allowedByDefault && access.exceptions.length === 0) return undefined;
  const program = [
    load(ACCESS, ACCESS_AND_TYPE_AT),
    { code: MOVE_REGISTER, to: TYPE, from: ACCESS },
    { code: AND, to: TYPE, value: 0xffff },
    { code: SHIFT_RIGHT, to: ACCESS, value: 16 },
    load(MAJOR, MAJOR_AT),
    load(MINOR, MINOR_AT),
    ...access.exceptions.flatMap((exception) => exceptionCode(exception, !access.allowedByDefault)),
    ...give(access.allowedByDefault),
  ];
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  program.forEach((instruction, index) => write(bytes, index * INSTRUCTION_BYTES, instruction));
  return bytes;
}

/** Each condition that does not hold jumps behind the verdict, to the next exception. The type is always compared: code that nothing can reach is refused. */
function exceptionCode({ type, major, minor, access }: DeviceException, allow: boolean): readonly Instruction[] {
  const verdict = give(allow);
  const conditions: readonly (readonly Instruction[])[] = [
    [{ code: JUMP_NOT_EQUAL, to: TYPE, value: TYPES[type] }],
    access === ALL_ACCESS ? [] : [{ code: MOVE_REGISTER, to: SCRATCH, from: ACCESS }, ...(allow ? unlessWithin(access) : unlessAny(access))],
    major < 0 ? [] : [{ code: JUMP_NOT_EQUAL, to: MAJOR, value: major }],
    minor < 0 ? [] : [{ code: JUMP_NOT_EQUAL, to: MINOR, value: minor }],
  ];
  const code = [...conditions.flat(), ...verdict];
  return code.map((instruction, index) => (instruction.code === JUMP_NOT_EQUAL || instruction.code === JUMP_EQUAL ? { ...instruction, offset: code.length - index - 1 } : instruction));
}

const unlessWithin = (access: number): readonly Instruction[] => [{ code: AND, to: SCRATCH, value: ALL_ACCESS & ~access }, { code: JUMP_NOT_EQUAL, to: SCRATCH, value: 0 }];
const unlessAny = (access: number): readonly Instruction[] => [{ code: AND, to: SCRATCH, value: access }, { code: JUMP_EQUAL, to: SCRATCH, value: 0 }];
const load = (to: number, offset: number): Instruction => ({ code: LOAD_WORD, to, from: CONTEXT, offset });
const give = (allow: boolean): readonly Instruction[] => [{ code: MOVE_VALUE, to: VERDICT, value: Number(allow) }, { code: EXIT }];

function write(bytes: Buffer, at: number, { code, to = 0, from = 0, offset = 0, value = 0 }: Instruction): void {
  bytes.writeUInt8(code, at);
  bytes.writeUInt8(to | (from << 4), at + 1);
  bytes.writeInt16LE(offset, at + 2);
  bytes.writeInt32LE(value | 0, at + 4);
}
