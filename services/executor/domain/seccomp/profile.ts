import { unclassified } from '#libs/errors/errors.js';
import { jsonFault } from '#libs/oci/json-fault.js';

/** A profile in Docker's JSON (moby's profiles/seccomp; actions and operators are libseccomp's words), read and checked. */
export interface SeccompProfile {
  readonly defaultAction: Action;
  /** Written out, architecture by architecture, or absent: those of the machine. */
  readonly architectures?: readonly string[];
  readonly rules: readonly SyscallRule[];
}

/** One of libseccomp's actions; `data`: errno of ERRNO, message of TRACE. */
export interface Action {
  readonly kind: 'ALLOW' | 'ERRNO' | 'KILL_THREAD' | 'KILL_PROCESS' | 'TRAP' | 'LOG' | 'TRACE';
  readonly data: number;
}

export interface SyscallRule {
  readonly names: readonly string[];
  readonly action: Action;
  /** All must hold; the same argument twice: one of them. */
  readonly args: readonly ArgCondition[];
  readonly includes: RuleFilter;
  readonly excludes: RuleFilter;
}

export type Comparison = 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE' | 'MASKED_EQ';

export interface ArgCondition {
  /** 0 to 5 */
  readonly index: number;
  readonly op: Comparison;
  /** What to compare with; of MASKED_EQ the mask. */
  readonly value: bigint;
  /** Of MASKED_EQ: what must be left. */
  readonly valueTwo: bigint;
}

/** Where a rule counts: all of the capabilities, one of the machines (Go's names: amd64, arm64, x86, x32), at least the kernel. */
export interface RuleFilter {
  readonly caps: readonly string[];
  readonly arches: readonly string[];
  /** "4.8" */
  readonly minKernel?: string;
}

const LIMIT_BYTES = 1 << 20;
const LIMIT_RULES = 4096;
const LIMIT_NAMES = 16_384;
const LIMIT_ERRNO = 4095;
const EPERM = 1;

const ACTIONS: Readonly<Record<string, Action['kind']>> = {
  SCMP_ACT_ALLOW: 'ALLOW', SCMP_ACT_ERRNO: 'ERRNO', SCMP_ACT_KILL: 'KILL_THREAD', SCMP_ACT_KILL_THREAD: 'KILL_THREAD', SCMP_ACT_KILL_PROCESS: 'KILL_PROCESS',
  SCMP_ACT_TRAP: 'TRAP', SCMP_ACT_LOG: 'LOG', SCMP_ACT_TRACE: 'TRACE',
};
const COMPARISONS: readonly string[] = ['EQ', 'NE', 'LT', 'LE', 'GT', 'GE', 'MASKED_EQ'] satisfies readonly Comparison[];

/** Throws, as dockerd does, for text that is no such profile, or one that is larger than any sensible one. Unknown fields are passed over, as dockerd does. */
export function parseProfile(text: string): SeccompProfile {
  if (Buffer.byteLength(text) > LIMIT_BYTES) throw bad(`it has more than ${LIMIT_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw unclassified(`Decoding seccomp profile failed: ${jsonFault(text, 'whole')}`, error);
  }
  const profile = object(json, 'the profile');
  const rules = list(profile['syscalls'], 'syscalls', LIMIT_RULES).map(rule);
  if (rules.reduce((sum, { names }) => sum + names.length, 0) > LIMIT_NAMES) throw bad(`it names more than ${LIMIT_NAMES} system calls`);
  const architectures = strings(profile['architectures'], 'architectures');
  if (architectures.length > 0 && list(profile['archMap'], 'archMap', 64).length > 0) throw bad("'architectures' and 'archMap' were specified in the seccomp profile, use either one");
  return { defaultAction: action(profile['defaultAction'], profile['defaultErrnoRet'], 'defaultAction'), ...(architectures.length > 0 ? { architectures } : {}), rules };
}

function rule(json: unknown, index: number): SyscallRule {
  const where = `syscalls[${index}]`;
  const from = object(json, where);
  const name = from['name'] === undefined || from['name'] === '' ? [] : strings([from['name']], `${where}.name`);
  const names = strings(from['names'], `${where}.names`);
  if (name.length > 0 && names.length > 0) throw bad("'name' and 'names' were specified in the seccomp profile, use either one");
  return {
    names: name.length > 0 ? name : names,
    action: action(from['action'], from['errnoRet'], `${where}.action`),
    args: list(from['args'], `${where}.args`, 32).map((arg, number) => condition(arg, `${where}.args[${number}]`)),
    includes: filter(from['includes'], `${where}.includes`),
    excludes: filter(from['excludes'], `${where}.excludes`),
  };
}

function action(json: unknown, errno: unknown, where: string): Action {
  const kind = typeof json === 'string' && Object.hasOwn(ACTIONS, json) ? ACTIONS[json] : undefined;
  if (kind === undefined) throw bad(`${where}: ${JSON.stringify(json)} is no action Berth knows`);
  const data = errno === undefined || errno === null ? (kind === 'ERRNO' || kind === 'TRACE' ? EPERM : 0) : integer(errno, `${where}: errno`, kind === 'TRACE' ? 0xffff : LIMIT_ERRNO);
  return { kind, data: kind === 'ERRNO' || kind === 'TRACE' ? data : 0 };
}

function condition(json: unknown, where: string): ArgCondition {
  const from = object(json, where);
  const op = typeof from['op'] === 'string' ? from['op'].replace(/^SCMP_CMP_/, '') : '';
  if (!isComparison(op)) throw bad(`${where}: ${JSON.stringify(from['op'])} is no comparison`);
  return { index: integer(from['index'], `${where}.index`, 5), op, value: wide(from['value'], `${where}.value`), valueTwo: wide(from['valueTwo'], `${where}.valueTwo`) };
}

function filter(json: unknown, where: string): RuleFilter {
  if (json === undefined || json === null) return { caps: [], arches: [] };
  const from = object(json, where);
  const minKernel = from['minKernel'];
  if (minKernel !== undefined && minKernel !== '' && !(typeof minKernel === 'string' && /^\d{1,4}\.\d{1,4}$/.test(minKernel))) throw bad(`${where}.minKernel: expected "major.minor"`);
  return { caps: strings(from['caps'], `${where}.caps`), arches: strings(from['arches'], `${where}.arches`), ...(typeof minKernel === 'string' && minKernel !== '' ? { minKernel } : {}) };
}

const bad = (why: string) => unclassified(`Decoding seccomp profile failed: ${why}`);
const isComparison = (op: string): op is Comparison => COMPARISONS.includes(op);

function object(json: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw bad(`${where} is no object`);
  return json as Readonly<Record<string, unknown>>; // what an object of JSON is
}

function list(json: unknown, where: string, limit: number): readonly unknown[] {
  if (json === undefined || json === null) return [];
  if (!Array.isArray(json) || json.length > limit) throw bad(`${where} is no list of at most ${limit}`);
  return json;
}

function strings(json: unknown, where: string): readonly string[] {
  return list(json, where, LIMIT_NAMES).map((item) => {
    if (typeof item !== 'string' || item.length > 256) throw bad(`${where}: ${JSON.stringify(item)} is no name`);
    return item;
  });
}

function integer(json: unknown, where: string, limit: number): number {
  if (typeof json !== 'number' || !Number.isInteger(json) || json < 0 || json > limit) throw bad(`${where}: ${JSON.stringify(json)} is not 0 to ${limit}`);
  return json;
}

/** 64 bits; JSON.parse is exact to 2^53, which what is not exact must not exceed: a rule for another value than the one written would be worse than none. */
function wide(json: unknown, where: string): bigint {
  if (json === undefined || json === null) return 0n;
  return BigInt(integer(json, where, Number.MAX_SAFE_INTEGER));
}
