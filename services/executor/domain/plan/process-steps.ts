import { capabilityMask } from '../spec/capabilities.js';
import { rlimitNumber, rlimitValue } from '../spec/rlimits.js';
import type { CapabilitySets, Rlimit } from '../spec/runtime-spec.js';
import type { PlanStep } from './plan-table.js';

/** SECCOMP_FILTER_FLAG_SPEC_ALLOW: a filter alone does not turn on mitigations that slow everything down, as runc has it. */
const SPEC_ALLOW = 4;

/** What such a step comes from. */
export const APPARMOR_PROFILE = 'process.apparmorProfile';

export interface Rights {
  readonly user: string;
  readonly groups: readonly string[];
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  readonly filter: Uint8Array | undefined;
}

/**
 * The last steps before exec, by which the process gives up what it may. A filter needs either no_new_privs, then it comes last; or CAP_SYS_ADMIN, then it has to come
 * before capabilities go, all of which but that one go before it is in force all the same (do_exec in the shim).
 */
export function rightsSteps({ user, groups, capabilities, noNewPrivileges, filter }: Rights): readonly PlanStep[] {
  const { bounding, effective, permitted, inheritable, ambient } = capabilities;
  const child = (from: string) => ({ actor: 'child', from }) as const;
  const seccomp: readonly PlanStep[] = filter ? [{ op: 'seccomp', ...child('linux.seccomp'), program: filter, flags: SPEC_ALLOW }] : [];
  return [
    { op: 'session_keyring', ...child('process') },
    ...(noNewPrivileges ? [{ op: 'no_new_privileges', ...child('process.noNewPrivileges') } as const] : []),
    { op: 'set_user', ...child('process.user'), user, extraGroups: groups },
    ...(noNewPrivileges ? [] : seccomp),
    {
      op: 'capabilities',
      ...child('process.capabilities'),
      bounding: capabilityMask(bounding),
      effective: capabilityMask(effective),
      permitted: capabilityMask(permitted),
      inheritable: capabilityMask(inheritable),
      ambient: capabilityMask(ambient),
    },
    ...(noNewPrivileges ? seccomp : []),
  ];
}

/**
 * Into which AppArmor profile the child's execve(2) goes (proc_pid_attr(5)); the kernel holds it for whoever takes the child's place, too. Told first of all, while
 * /proc is the host's for certain.
 */
export function appArmorSteps(profile: string | undefined): readonly PlanStep[] {
  return profile === undefined ? [] : [{ op: 'write_file', actor: 'child', from: APPARMOR_PROFILE, path: '/proc/self/attr/apparmor/exec', data: Buffer.from(`exec ${profile}`) }];
}

/**
 * How readily the kernel takes it when memory runs out: never the executor's own. Told while /proc is the host's and nothing is given up yet. Where nothing was asked
 * for, who may not lower it does without.
 */
export function oomScoreSteps(score: number | undefined): readonly PlanStep[] {
  return [{ op: score === undefined ? 'write_file_optional' : 'write_file', actor: 'child', from: 'process.oomScoreAdj', path: '/proc/self/oom_score_adj', data: Buffer.from(String(score ?? 0)) }];
}

export function rlimitSteps(rlimits: readonly Rlimit[]): readonly PlanStep[] {
  return rlimits.map(({ type, soft, hard, optional = false }, index) => ({
    op: 'set_rlimit',
    actor: 'child',
    from: `process.rlimits[${index}]`,
    resource: rlimitNumber(type),
    soft: rlimitValue(soft),
    hard: rlimitValue(hard),
    optional,
  }));
}

/** What a user namespace has to have before it is entered, so that the limits can be set in there. */
export function raiseSteps(rlimits: readonly PlanStep[]): readonly PlanStep[] {
  return rlimits.flatMap((step): readonly PlanStep[] => (step.op === 'set_rlimit' ? [{ op: 'raise_rlimit', actor: step.actor, from: step.from, resource: step.resource, hard: step.hard }] : []));
}
