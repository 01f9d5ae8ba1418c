import type { TaskSecurity } from '#contracts/executor/tasks.js';
import { rulesFor } from './compile-seccomp.js';
import { DEFAULT_PROFILE } from './default-profile.js';
import { type Action, parseProfile } from './profile.js';

/** Architectures that a machine runs programs of, where a profile names none. */
const ARCHITECTURES = process.arch === 'arm64' ? ['SCMP_ARCH_AARCH64'] : ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

/**
 * `linux.seccomp` of the OCI runtime specification (config-linux.md), for runtimes that compile filters themselves: the profile with its rules chosen by these
 * capabilities. Undefined: no filter. Throws `invalid` for a profile that cannot be read.
 */
export function ociSeccomp({ privileged, seccomp }: Pick<TaskSecurity, 'privileged' | 'seccomp'>, capabilities: readonly string[]): object | undefined {
  if (privileged || seccomp === 'unconfined') return undefined;
  const profile = seccomp === 'default' || seccomp === '' ? DEFAULT_PROFILE : parseProfile(seccomp);
  return {
    defaultAction: `SCMP_ACT_${profile.defaultAction.kind}`,
    ...errnoOf(profile.defaultAction, 'defaultErrnoRet'),
    architectures: profile.architectures ?? ARCHITECTURES,
    syscalls: rulesFor(profile, capabilities).map(({ names, action, args }) => ({
      names,
      action: `SCMP_ACT_${action.kind}`,
      ...errnoOf(action, 'errnoRet'),
      ...(args.length > 0 ? { args: args.map(({ index, op, value, valueTwo }) => ({ index, op: `SCMP_CMP_${op}`, value: Number(value), valueTwo: Number(valueTwo) })) } : {}),
    })),
  };
}

const errnoOf = ({ kind, data }: Action, field: string): object => (kind === 'ERRNO' || kind === 'TRACE' ? { [field]: data } : {});
