import type { Ulimit } from '#contracts/containers/container-config.js';
import { unclassified } from '#libs/errors/errors.js';
import type { Rlimit } from './runtime-spec.js';

/** Numbers of RLIMIT_* on x86-64 and arm64 (asm-generic/resource.h); the name is Docker's ulimit name. */
const RESOURCES: Readonly<Record<string, number>> = {
  cpu: 0, fsize: 1, data: 2, stack: 3, core: 4, rss: 5, nproc: 6, nofile: 7, memlock: 8, as: 9, locks: 10, sigpending: 11, msgqueue: 12, nice: 13, rtprio: 14, rttime: 15,
};

/** -1 and RLIM_INFINITY are one. */
const INFINITY = 0xffffffffffffffffn;

/** `--ulimit` as a line of the spec. Throws for an unknown name, or a soft limit over the hard one. */
export function rlimitOf({ Name, Soft, Hard }: Ulimit): Rlimit {
  if (!Object.hasOwn(RESOURCES, Name)) throw unclassified(`invalid ulimit type: ${Name}`);
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) throw unclassified(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  return { type: `RLIMIT_${Name.toUpperCase()}`, soft: Soft, hard: Hard };
}

/** Throws for a name that is no resource. */
export function rlimitNumber(type: string): number {
  const name = type.replace(/^RLIMIT_/, '').toLowerCase();
  const number = Object.hasOwn(RESOURCES, name) ? RESOURCES[name] : undefined;
  if (number === undefined) throw unclassified(`invalid rlimit type: ${type}`);
  return number;
}

export const rlimitValue = (value: number): bigint => (value < 0 ? INFINITY : BigInt(value));
