import type { TaskProcess, TaskSecurity } from '#contracts/executor/tasks.js';
import { capabilityMask, effectiveCapabilities } from '../spec/capabilities.js';
import { type Plan, planOf } from './encode-plan.js';
import type { PlanStep } from './plan-table.js';

export interface ExecRun {
  readonly process: TaskProcess;
  readonly security: TaskSecurity;
  readonly initPid: number;
  readonly cgroupDirectories: readonly string[];
  readonly tickets: readonly string[];
}

/** namespaces(7) */
const CLONE_NEWPID = 0x20000000;
const OTHERS = 0x20000 | 0x2000000 | 0x4000000 | 0x8000000 | 0x40000000;

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const child = (from: string) => ({ actor: 'child', from }) as const;

/** One further command in the container that the executing shim keeps: its namespaces by the init's pidfd, then the process's own rights. */
export function compileExecPlan({ process, security, cgroupDirectories, tickets }: ExecRun): Plan {
  const mask = capabilityMask(effectiveCapabilities(security));
  const given = new Set(process.env.map((variable) => variable.split('=', 1)[0]));
  const defaults = [DEFAULT_PATH, ...(process.terminal ? ['TERM=xterm'] : [])].filter((variable) => !given.has(variable.split('=', 1)[0]));
  const steps: PlanStep[] = [
    { op: 'join_task', actor: 'parent', from: 'linux.namespaces', flags: CLONE_NEWPID },
    { op: 'join_task', ...child('linux.namespaces'), flags: OTHERS },
    ...(process.terminal ? [{ op: 'setup_console', ...child('process.terminal'), bindConsole: false } as const] : []),
    { op: 'chdir', ...child('process.cwd'), path: process.cwd, create: false },
    ...(security.noNewPrivileges ? [{ op: 'no_new_privileges', ...child('process.noNewPrivileges') } as const] : []),
    { op: 'set_user', ...child('process.user'), user: process.user, extraGroups: process.groups },
    { op: 'capabilities', ...child('process.capabilities'), bounding: mask, effective: mask, permitted: mask, inheritable: 0n, ambient: 0n },
    { op: 'exec', ...child('process.args'), args: process.args, env: [...defaults, ...process.env] },
  ];
  const { terminal, rows, columns, openStdin, stdinOnce } = process;
  return planOf(
    { taskDirectory: '', logPath: '', logMaxBytes: 0, logMaxFiles: 0, socketGroup: 0, socketMode: 0, shimCgroupPaths: [], namespaces: 0, terminal, rows, columns, openStdin, stdinOnce, tickets, cgroupPaths: cgroupDirectories },
    steps,
  );
}
