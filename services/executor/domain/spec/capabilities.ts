import { DEFAULT_CAPABILITIES } from '#contracts/executor/default-capabilities.js';
import { invalid } from '#libs/errors/errors.js';

/** All of capabilities(7); a name's place is the capability's number. */
export const CAPABILITIES = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE', 'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_NICE', 'CAP_SYS_RESOURCE', 'CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE',
  'CAP_AUDIT_WRITE', 'CAP_AUDIT_CONTROL', 'CAP_SETFCAP', 'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG', 'CAP_WAKE_ALARM', 'CAP_BLOCK_SUSPEND', 'CAP_AUDIT_READ',
  'CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE',
] as const;

const NUMBERS: ReadonlyMap<string, number> = new Map(CAPABILITIES.map((name, number) => [name, number]));

/**
 * The capabilities that remain of Docker's rules: privileged is all; dropping ALL starts from nothing, adding ALL from everything. Names in any case, with or
 * without "CAP_". Throws `invalid`, in dockerd's words, for a name that no kernel knows.
 */
export function effectiveCapabilities(of: { readonly privileged: boolean; readonly capAdd: readonly string[]; readonly capDrop: readonly string[] }): readonly string[] {
  const add = canonical('CapAdd', of.capAdd);
  const drop = new Set(canonical('CapDrop', of.capDrop));
  if (of.privileged) return CAPABILITIES;
  if (add.includes('ALL')) return CAPABILITIES.filter((name) => !drop.has(name));
  const base = drop.has('ALL') ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.has(name));
  return [...new Set([...base, ...add])];
}

/** Those of a further command in a container: `docker exec --privileged` has all. */
export function execCapabilities(container: Parameters<typeof effectiveCapabilities>[0], privileged: boolean): readonly string[] {
  return privileged ? CAPABILITIES : effectiveCapabilities(container);
}

/** Whether a container's processes can mount something: by the capability, or in a user namespace that they make, from which the default filter keeps them. */
export function mayMount({ seccomp, ...security }: Parameters<typeof effectiveCapabilities>[0] & { readonly seccomp: string }): boolean {
  return security.privileged || seccomp !== 'default' || effectiveCapabilities(security).includes('CAP_SYS_ADMIN');
}

/** A bit a capability, as capset(2) and the plan have it. Throws `invalid` for a name that is none. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const number = NUMBERS.get(name);
    if (number === undefined) throw invalid(`unknown capability: "${name}"`);
    return mask | (1n << BigInt(number));
  }, 0n);
}

function canonical(option: 'CapAdd' | 'CapDrop', names: readonly string[]): readonly string[] {
  return names.map((asked) => {
    const upper = asked.trim().toUpperCase();
    if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!NUMBERS.has(name)) throw invalid(`invalid ${option}: unknown capability: "${name}"`);
    return name;
  });
}
