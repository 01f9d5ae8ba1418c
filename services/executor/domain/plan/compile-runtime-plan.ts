import type { PlanRun } from './compile-plan.js';
import { type Plan, planOf } from './encode-plan.js';
import type { PlanSettings, PlanStep } from './plan-table.js';
import { oomScoreSteps } from './process-steps.js';
import type { ForRuntime } from './runtime-mounts.js';

/** An installed OCI runtime, as one task uses it. */
export interface RuntimeCommand {
  /** "/usr/sbin/runc" */
  readonly path: string;
  /** Where it keeps its own state. */
  readonly stateDirectory: string;
  /** Its name for the container. */
  readonly id: string;
  /** Where it writes what went wrong, as lines of JSON. */
  readonly logPath: string;
  /** Where it leaves the number of the process it made. */
  readonly pidFile: string;
  /** With a terminal: the socket that it sends the master to; short, as sockaddr_un has it. */
  readonly consoleSocket?: string;
}

const CLONE_NEWNS = 0x20000;
const ENVIRONMENT = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];

/** argv of a runtime's subcommand, in the options that runc, crun and their like share. */
export function runtimeArgs({ path, stateDirectory, logPath }: RuntimeCommand, ...rest: readonly string[]): readonly string[] {
  return [path, '--root', stateDirectory, '--log', logPath, '--log-format', 'json', ...rest];
}

/**
 * The root is mounted in a mount namespace of the shim's own, so that it goes with the shim and no host mount is left; the rest is the runtime's: `create` is
 * the child and inherits the container's streams, `start` lets the process that it left go on, `delete` is the end.
 */
export function compileRuntimePlan({ spec, steps: mounted }: ForRuntime, run: PlanRun, runtime: RuntimeCommand, bundle: string): Plan {
  const { cgroupDirectories, cgroupWrites: _, deviceFilter: __, oomPath, ...settings } = run;
  const parent = (from: string) => ({ actor: 'parent', from }) as const;
  const target = spec.root.path;
  const create = ['create', '--bundle', bundle, '--pid-file', runtime.pidFile, ...consoleOption(runtime), runtime.id];
  const steps: readonly PlanStep[] = [
    { op: 'unshare', ...parent('root'), flags: CLONE_NEWNS },
    { op: 'private_propagation', ...parent('root') },
    ...mounted,
    ...consoleSteps(runtime),
    ...oomScoreSteps(spec.process.oomScoreAdj),
    { op: 'exec', actor: 'child', from: 'process', args: runtimeArgs(runtime, ...create), env: ENVIRONMENT },
    ...handoverSteps(runtime),
    { op: 'run_command', actor: 'handover', from: 'process', args: runtimeArgs(runtime, 'start', runtime.id), env: ENVIRONMENT },
    ...(oomPath === '' ? [] : [{ op: 'read_oom', actor: 'exit', from: 'linux.cgroupsPath', path: oomPath } as const]),
    // Its complaints about what is not there do not belong to what the start is judged by.
    { op: 'run_command', actor: 'exit', from: 'process', args: runtimeArgs({ ...runtime, logPath: `${runtime.logPath}.end` }, 'delete', '--force', runtime.id), env: ENVIRONMENT },
    ...cgroupDirectories.map((path): PlanStep => ({ op: 'rmdir_cgroup', actor: 'exit', from: 'linux.cgroupsPath', path })),
    { op: 'unmount', actor: 'exit', from: 'root', target },
  ];
  return planOf({ ...settings, socketMode: 0o660, shimCgroupPaths: [], namespaces: 0, cgroupPaths: [] }, steps);
}

/** One further command, by the runtime's `exec --detach`: it ends when the command runs, and the shim keeps the command. */
export function compileRuntimeExecPlan(run: Pick<PlanSettings, 'terminal' | 'rows' | 'columns' | 'openStdin' | 'stdinOnce' | 'tickets'>, runtime: RuntimeCommand, processFile: string, oomScoreAdj: number | undefined): Plan {
  const exec = ['exec', '--process', processFile, '--detach', '--pid-file', runtime.pidFile, ...consoleOption(runtime), runtime.id];
  return planOf(
    { taskDirectory: '', logPath: '', logMaxBytes: 0, logMaxFiles: 0, socketGroup: 0, socketMode: 0, shimCgroupPaths: [], namespaces: 0, cgroupPaths: [], ...run },
    [...consoleSteps(runtime), ...oomScoreSteps(oomScoreAdj), { op: 'exec', actor: 'child', from: 'process', args: runtimeArgs(runtime, ...exec), env: ENVIRONMENT }, ...handoverSteps(runtime)],
  );
}

const consoleOption = ({ consoleSocket }: RuntimeCommand): readonly string[] => (consoleSocket === undefined ? [] : ['--console-socket', consoleSocket]);

function consoleSteps({ consoleSocket }: RuntimeCommand): readonly PlanStep[] {
  return consoleSocket === undefined ? [] : [{ op: 'listen_console', actor: 'parent', from: 'process.terminal', path: consoleSocket }];
}

function handoverSteps({ pidFile, consoleSocket }: RuntimeCommand): readonly PlanStep[] {
  return [
    { op: 'adopt', actor: 'handover', from: 'process', pidFile },
    ...(consoleSocket === undefined ? [] : [{ op: 'receive_console', actor: 'handover', from: 'process.terminal' } as const]),
  ];
}
