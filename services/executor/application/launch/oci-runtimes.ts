import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { LaunchExec, LaunchFields } from '#contracts/executor/tasks.js';
import type { DeviceThrottle } from '#libs/cgroup/limits.js';
import { type BerthError, internal, invalid } from '#libs/errors/errors.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { runtimePath } from '../../adapters/runtimes/installed-runtimes.js';
import { heldCapabilities } from '../../adapters/runtimes/held-capabilities.js';
import type { TreeThreads } from '../../adapters/trees/tree-threads.js';
import type { PlanRun } from '../../domain/plan/compile-plan.js';
import { compileRuntimeExecPlan, compileRuntimePlan, type RuntimeCommand, runtimeArgs } from '../../domain/plan/compile-runtime-plan.js';
import type { Plan } from '../../domain/plan/encode-plan.js';
import { forRuntime } from '../../domain/plan/runtime-mounts.js';
import { containerUser } from '../../domain/spec/container-user.js';
import { OTHER_KIND } from '../../domain/plan/start-failure.js';
import { type DocumentFacts, ociDocument, ociProcess } from '../../domain/spec/oci-document.js';
import type { RuntimeSpec } from '../../domain/spec/runtime-spec.js';
import { type LiveTask, taskId } from '../tasks/live-task.js';
import type { ContainerUsers } from './container-users.js';

const ABANDON_DEADLINE_MS = 20_000;

type Exec = Pick<LaunchExec, 'exec' | 'process' | 'security' | 'privileged' | 'ulimits' | 'oomScoreAdj'>;

/**
 * `--runtime runc` and its like: the OCI spec goes to an installed runtime instead of the plan's steps. The shim stays the container's keeper; the runtime's commands
 * come and go. Its bundle is the task's directory, which goes with the task.
 */
export class OciRuntimes {
  constructor(
    private readonly threads: TreeThreads,
    private readonly users: Pick<ContainerUsers, 'files'>,
    private readonly settings: EngineSettings,
  ) {}

  /** Writes the bundle. Rejects as invalid for a runtime that is not installed, or a user that the container does not know. */
  async containerPlan(name: string, task: LiveTask, launch: LaunchFields, spec: RuntimeSpec, throttles: readonly DeviceThrottle[], run: PlanRun): Promise<Plan> {
    const runtime = await this.command(name, task, 'create', launch.process.terminal);
    const { root } = spec;
    const prepared = forRuntime(spec, task.directory);
    const view = 'overlay' in root ? { directory: root.overlay.baseDirectory, layers: [root.overlay.upper, ...root.overlay.lower] } : { directory: '/', layers: [root.directory] };
    const files = await this.threads.run('readUserFiles', view);
    const user = containerUser(launch.process.user, launch.process.groups, files);
    await writeFile(`${task.directory}/config.json`, ociDocument(prepared.spec, launch, { user, capabilities: heldCapabilities(), throttles }), { mode: 0o600 });
    return compileRuntimePlan(prepared, run, runtime, task.directory);
  }

  async execPlan(name: string, task: LiveTask, exec: Exec, tickets: readonly string[], confined: Pick<DocumentFacts, 'apparmorProfile'>): Promise<Plan> {
    const { terminal, rows, columns, openStdin, stdinOnce, user, groups } = exec.process;
    const runtime = await this.command(name, task, exec.exec, terminal);
    const facts = { user: containerUser(user, groups, await this.users.files(task.identity.container, task.pid, exec.security)), capabilities: heldCapabilities(), ...confined };
    const processFile = `${task.directory}/${exec.exec}.json`;
    await writeFile(processFile, ociProcess(exec, facts), { mode: 0o600 });
    return compileRuntimeExecPlan({ terminal, rows, columns, openStdin, stdinOnce, tickets }, runtime, processFile, exec.oomScoreAdj);
  }

  /** What the runtime itself says went wrong, in the words that dockerd puts before it; undefined: it said nothing. `of`: 'create', or an exec's id. */
  async failure(task: LiveTask, of: string): Promise<BerthError | undefined> {
    const text = await readFile(logPath(task, of), 'utf8').catch(() => '');
    const said = lastError(text);
    if (said === undefined) return undefined;
    const prefix = of === 'create' ? 'failed to create task for container: failed to create shim task: OCI runtime create failed' : 'OCI runtime exec failed';
    // Clients tell exit codes 126 and 127 by the kernel's words as Go writes them; crun writes them as strerror(3) does.
    const error = `${prefix}: ${said.replace(/: ([A-Z])([a-z ]+)$/, (_, first: string, rest: string) => `: ${first.toLowerCase()}${rest}`)}: unknown`;
    if (of === 'create' && /not a directory/.test(error)) return invalid(`${error.replace(/: unknown$/, '')}${OTHER_KIND}`);
    return /executable file|no such file or directory|permission denied|not a directory|exec format error/i.test(said) ? invalid(error) : internal(error);
  }

  /** An exec's own files are of no use once it runs or has failed. */
  async forgetExec(task: LiveTask, exec: string): Promise<void> {
    for (const suffix of ['json', 'log', 'pid']) await rm(`${task.directory}/${exec}.${suffix}`, { force: true });
  }

  /** The shim is gone and did not end the container, which a runtime's does not do by itself: ends it. */
  async abandon(name: string, task: LiveTask): Promise<void> {
    const runtime = await this.command(name, task, 'abandon', false);
    const [program = '', ...args] = runtimeArgs(runtime, 'delete', '--force', runtime.id);
    await new Promise<void>((resolve) => execFile(program, args, { timeout: ABANDON_DEADLINE_MS, cwd: '/' }, () => resolve()));
  }

  private async command(name: string, task: LiveTask, of: string, terminal: boolean): Promise<RuntimeCommand> {
    const path = runtimePath(name);
    const stateDirectory = `${this.settings.runRoot}/runtimes/${name}`;
    const consoles = `${this.settings.runRoot}/consoles`;
    for (const directory of [stateDirectory, consoles]) await mkdir(directory, { recursive: true, mode: 0o700 });
    return {
      path,
      stateDirectory,
      id: taskId(task.identity),
      logPath: logPath(task, of),
      pidFile: `${task.directory}/${of}.pid`,
      ...(terminal ? { consoleSocket: `${consoles}/${randomBytes(8).toString('hex')}` } : {}),
    };
  }
}

const logPath = (task: LiveTask, of: string): string => `${task.directory}/${of}.log`;

/** Of a log of JSON lines ("level", "msg") the last error. */
function lastError(log: string): string | undefined {
  const errors = log.split('\n').flatMap((line) => {
    try {
      const { level, msg } = JSON.parse(line) as { readonly level?: unknown; readonly msg?: unknown };
      return level === 'error' && typeof msg === 'string' ? [msg.trim()] : [];
    } catch {
      return [];
    }
  });
  return errors.at(-1);
}
