import type { Ulimit } from '#contracts/containers/container-config.js';
import type { TaskProcess, TaskSecurity } from '#contracts/executor/tasks.js';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { internal } from '#libs/errors/errors.js';
import { outsideId } from '#libs/settings/subordinate-ids.js';
import { containerFilter } from '../seccomp/container-filter.js';
import { effectiveCapabilities, execCapabilities } from '../spec/capabilities.js';
import { environment } from '../spec/environment.js';
import { rlimitOf } from '../spec/rlimits.js';
import { type Plan, planOf } from './encode-plan.js';
import type { PlanStep } from './plan-table.js';
import { appArmorSteps, oomScoreSteps, raiseSteps, rightsSteps, rlimitSteps } from './process-steps.js';
import { RELATIVE_DIRECTORY } from './start-failure.js';
import { TIME_STEPS } from './step-times.js';

export interface ExecRun {
  readonly process: TaskProcess;
  /** The container's own: its filter counts for every process in it. */
  readonly security: TaskSecurity;
  /** The user namespace of the container; absent: the host's. */
  readonly ids?: IdMaps;
  /** All capabilities, whatever the container has. */
  readonly privileged: boolean;
  /** The container's; absent: the host has no AppArmor. */
  readonly apparmorProfile?: string;
  readonly ulimits: readonly Ulimit[];
  /** The container's. */
  readonly oomScoreAdj?: number;
  /** The shim that gets the plan holds the container's init by a descriptor and needs no number. */
  readonly initPid: number;
  /** For HOSTNAME; absent: not set. */
  readonly hostname?: string;
  readonly cgroupDirectories: readonly string[];
  readonly tickets: readonly string[];
  /** Whether the shim is to tell how long each step took. A shim of an older engine may not know how. */
  readonly timed?: boolean;
}

/** namespaces(7) */
const ALL = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000;
const USER = 0x10000000;

const child = (from: string) => ({ actor: 'child', from }) as const;

/**
 * One further command in the container that the executing shim keeps: its namespaces by the init's pidfd, then the process's own rights. A missing working
 * directory is not made: it fails with ENOENT; a relative one is refused in runc's words. Throws `invalid` for unknown capabilities and bad profiles.
 */
export function compileExecPlan({ process, security, ids, privileged, apparmorProfile, ulimits, oomScoreAdj, hostname = '', cgroupDirectories, tickets, timed = false }: ExecRun): Plan {
  const { terminal, rows, columns, openStdin, stdinOnce } = process;
  if (process.cwd !== '' && !process.cwd.startsWith('/')) throw internal(`OCI runtime exec failed: exec failed: ${RELATIVE_DIRECTORY}: unknown`);
  const capabilities = execCapabilities(security, privileged);
  const rlimits = rlimitSteps(ulimits.map(rlimitOf));
  const steps: readonly PlanStep[] = [
    ...(timed ? [TIME_STEPS] : []),
    ...appArmorSteps(apparmorProfile),
    ...oomScoreSteps(oomScoreAdj),
    ...(ids ? [{ op: 'own_stdio', ...child('linux.namespaces'), uid: outsideId(ids.uids, 0) ?? 0, gid: outsideId(ids.gids, 0) ?? 0 } as const] : []),
    ...(ids ? raiseSteps(rlimits) : []),
    { op: 'join_task', ...child('linux.namespaces'), flags: ids ? ALL | USER : ALL },
    ...(terminal ? [{ op: 'setup_console', ...child('process.terminal'), bindConsole: false } as const] : []),
    { op: 'chdir', ...child('process.cwd'), path: process.cwd || '/', create: false },
    ...rlimits,
    ...rightsSteps({
      user: process.user,
      groups: process.groups,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] },
      noNewPrivileges: security.noNewPrivileges,
      filter: containerFilter(security, effectiveCapabilities(security)),
    }),
    { op: 'exec', ...child('process.args'), args: process.args, env: environment(process.env, { hostname, terminal }) },
  ];
  return planOf(
    { taskDirectory: '', logPath: '', logMaxBytes: 0, logMaxFiles: 0, socketGroup: 0, socketMode: 0, shimCgroupPaths: [], namespaces: 0, terminal, rows, columns, openStdin, stdinOnce, tickets, cgroupPaths: cgroupDirectories },
    steps,
  );
}
