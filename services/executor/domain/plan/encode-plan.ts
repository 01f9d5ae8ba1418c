import { invalid } from '#libs/errors/errors.js';
import { ACTOR_CODES, OPERATIONS, PLAN_VERSION, SETTINGS } from './plan-table.js';
import type { OperandKind, PlanSettings, PlanStep } from './plan-table.js';

/** What one shim is to do. A step's number is its index. */
export interface Plan {
  readonly version: number;
  readonly settings: PlanSettings;
  readonly steps: readonly PlanStep[];
}

/** Bytes 'BPLN' */
const PLAN_MAGIC = 0x4e4c5042;
/** The shim refuses anything larger. */
export const PLAN_LIMIT_BYTES = 4 << 20;

/**
 * The plan as bytes, all integers little endian: u32 magic, u32 version, the settings in the table's order, u32 count, then for each step u16 operation,
 * u8 actor, u32 number, u32 length, operands. string: u32 length, bytes, NUL. strings: u32 count, then strings. bytes: u32 length, bytes.
 * Throws `invalid` for a number out of range, a NUL in a string, or a plan over PLAN_LIMIT_BYTES.
 */
export function encodePlan(plan: Plan): Uint8Array {
  const out = new PlanWriter();
  out.u32(PLAN_MAGIC, 'magic');
  out.u32(plan.version, 'version');
  for (const [name, kind] of entries(SETTINGS)) out.operand(kind, plan.settings[name], name);
  out.u32(plan.steps.length, 'steps');
  plan.steps.forEach((step, number) => {
    const operands = new PlanWriter();
    for (const [name, kind] of operandsOf(step)) operands.operand(kind, valueOf(step, name), `step ${number}, ${step.op}: ${name}`);
    const payload = operands.bytes();
    out.u16(OPERATIONS[step.op].code);
    out.u8(ACTOR_CODES[step.actor]);
    out.u32(number, 'number');
    out.u32(payload.length, 'length');
    out.raw(payload);
  });
  const bytes = out.bytes();
  if (bytes.length > PLAN_LIMIT_BYTES) throw invalid(`the plan has ${bytes.length} bytes, more than ${PLAN_LIMIT_BYTES}`);
  return bytes;
}

/** The step a shim named in FAILED, as one line; a number outside the plan is said to be so. */
export function describeStep(plan: Plan, number: number): string {
  const step = plan.steps[number];
  if (!step) return `${number}: no step of the plan`;
  const operands = operandsOf(step).map(([name, kind]) => `${name}=${show(kind, valueOf(step, name))}`);
  return [number, step.actor, step.op, ...operands, `(from ${step.from})`].join(' ');
}

export const planOf = (settings: PlanSettings, steps: readonly PlanStep[]): Plan => ({ version: PLAN_VERSION, settings, steps });

function entries<T extends Readonly<Record<string, OperandKind>>>(kinds: T): (readonly [keyof T & string, OperandKind])[] {
  return Object.entries(kinds) as [keyof T & string, OperandKind][]; // Object.entries forgets the keys' type
}

const operandsOf = (step: PlanStep) => entries<Readonly<Record<string, OperandKind>>>(OPERATIONS[step.op].operands);
/** The table says which operands a step has; the union says they are there. */
const valueOf = (step: PlanStep, name: string): unknown => (step as unknown as Readonly<Record<string, unknown>>)[name];

function show(kind: OperandKind, value: unknown): string {
  if (kind === 'bytes' && value instanceof Uint8Array) return value.length > 64 ? `<${value.length} bytes>` : JSON.stringify(Buffer.from(value).toString('latin1'));
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : JSON.stringify(value);
}

class PlanWriter {
  readonly #parts: Uint8Array[] = [];

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }
  u8(value: number): void {
    this.raw(Uint8Array.of(value));
  }
  u16(value: number): void {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    this.raw(bytes);
  }
  u32(value: number, what: string): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw invalid(`${what}: ${value} is no unsigned 32-bit number`);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.raw(bytes);
  }
  u64(value: bigint | number, what: string): void {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw invalid(`${what}: ${value} is no exact integer`);
    const wide = BigInt(value);
    if (wide < 0n || wide > 0xffffffffffffffffn) throw invalid(`${what}: ${value} is no unsigned 64-bit number`);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(wide);
    this.raw(bytes);
  }
  string(value: string, what: string): void {
    if (value.includes('\0')) throw invalid(`${what}: NUL in ${JSON.stringify(value)}`);
    const bytes = Buffer.from(value);
    this.u32(bytes.length, what);
    this.raw(bytes);
    this.u8(0);
  }
  operand(kind: OperandKind, value: unknown, what: string): void {
    switch (kind) {
      case 'u32':
        if (typeof value === 'number') return this.u32(value, what);
        break;
      case 'u64':
        if (typeof value === 'number' || typeof value === 'bigint') return this.u64(value, what);
        break;
      case 'flag':
        if (typeof value === 'boolean') return this.u32(Number(value), what);
        break;
      case 'string':
        if (typeof value === 'string') return this.string(value, what);
        break;
      case 'bytes':
        if (value instanceof Uint8Array) {
          this.u32(value.length, what);
          return this.raw(value);
        }
        break;
      case 'strings':
        if (Array.isArray(value)) {
          this.u32(value.length, what);
          for (const item of value) this.operand('string', item, what);
          return;
        }
    }
    throw invalid(`${what}: a ${kind} is wanted, not ${typeof value}`);
  }
}
