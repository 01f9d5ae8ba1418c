import type { IdMaps } from '#contracts/executor/id-maps.js';
import type { PublishedEndpoint, StartTimes, TaskEvent } from '#contracts/executor/tasks.js';
import type { Decider } from '#libs/event-store/decider.js';

/** What a task was requested with and a later executor needs to find it again. */
interface Chosen {
  readonly published?: PublishedEndpoint;
  readonly runtime?: string;
  /** The cgroup that its own is in, where that is not the engine's. */
  readonly cgroupParent?: string;
  /** Of its user namespace; absent: the host's. */
  readonly ids?: IdMaps;
}

/** One run of one container, as observed: it only moves forward. `berth.event.task.<container>-<start>` */
export type Task =
  | { readonly status: 'absent' }
  | ({ readonly status: 'requested' | 'failed'; readonly container: string; readonly start: number } & Chosen)
  | ({ readonly status: 'running' | 'exited'; readonly container: string; readonly start: number; readonly pid: number; readonly startedAt: string; readonly execs: ReadonlySet<string>; readonly oomKills: number } & Chosen);

type WithExecs = Extract<Task, { execs: unknown }>;

/** A task as JSON and back, for a snapshot. */
export const freezeTask = (task: Task): unknown => ('execs' in task ? { ...task, execs: [...task.execs] } : task);

export function thawTask(frozen: unknown): Task {
  const task = frozen as Exclude<Task, WithExecs> | (Omit<WithExecs, 'execs'> & { readonly execs: readonly string[] }); // what freezeTask gave
  return 'execs' in task ? { ...task, execs: new Set(task.execs) } : task;
}

type Observed = { readonly container: string; readonly start: number; readonly at: string };

export type TaskCommand =
  | ({ readonly type: 'Request' } & Chosen & Observed)
  | ({ readonly type: 'RecordStarted'; readonly pid: number; readonly took?: StartTimes } & Observed)
  | ({ readonly type: 'RecordFailed'; readonly error: string } & Observed)
  | ({ readonly type: 'ChangePorts'; readonly published: PublishedEndpoint } & Observed)
  | ({ readonly type: 'Signal'; readonly signal: number; readonly ends: boolean } & Observed)
  | ({ readonly type: 'RecordExited'; readonly exitCode: number; readonly signal: number; readonly oomKills: number; readonly keeperLost: boolean } & Observed)
  /** `kills`: of its whole run until then. */
  | ({ readonly type: 'RecordOutOfMemory'; readonly kills: number } & Observed)
  | ({ readonly type: 'RecordExecStarted'; readonly exec: string; readonly pid: number } & Observed)
  /** `neverStarted`: it could not be executed, so no start is on record. `began`: its start, where the log may not have taken that. */
  | ({ readonly type: 'RecordExecExited'; readonly exec: string; readonly exitCode: number; readonly neverStarted?: boolean; readonly began?: { readonly pid: number; readonly at: string } } & Observed);

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const TASK_FOLD = '4';

export const taskDecider: Decider<Task, TaskCommand, TaskEvent> = {
  initialState: { status: 'absent' },

  /** Observations come again after a restart of the executor: what is known already yields nothing. */
  decide(command, task) {
    const { container, start, at } = command;
    const identity = { container, start };
    switch (command.type) {
      case 'Request':
        return task.status === 'absent' || task.status === 'failed' ? [{ type: 'TaskRequested', ...identity, ...chosen(command), at }] : [];
      case 'RecordStarted':
        return task.status === 'requested' ? [{ type: 'TaskStarted', ...identity, pid: command.pid, ...(command.took ? { took: command.took } : {}), at }] : [];
      case 'RecordFailed':
        return task.status === 'requested' ? [{ type: 'TaskFailed', ...identity, error: command.error, at }] : [];
      case 'ChangePorts':
        if (task.status !== 'running' || JSON.stringify(task.published?.ports ?? []) === JSON.stringify(command.published.ports)) return [];
        return [{ type: 'PortsChanged', ...identity, published: command.published, at }];
      case 'Signal':
        return task.status === 'running' || task.status === 'requested' ? [{ type: 'SignalRequested', ...identity, signal: command.signal, ends: command.ends, at }] : [];
      case 'RecordExited': {
        if (task.status !== 'running' && task.status !== 'requested') return [];
        const { exitCode, signal, oomKills, keeperLost } = command;
        return [...outOfMemory(task, identity, oomKills, at), { type: 'TaskExited', ...identity, exitCode, signal, oomKilled: oomKills > 0, keeperLost, at }];
      }
      case 'RecordOutOfMemory':
        return outOfMemory(task, identity, command.kills, at);
      case 'RecordExecStarted':
        return task.status === 'running' && !task.execs.has(command.exec) ? [{ type: 'ExecStarted', ...identity, exec: command.exec, pid: command.pid, at }] : [];
      case 'RecordExecExited': {
        const { exec, exitCode, began, neverStarted } = command;
        if (task.status !== 'running') return [];
        const end: TaskEvent = { type: 'ExecExited', ...identity, exec, exitCode, at };
        if (neverStarted || task.execs.has(exec)) return [end];
        return began === undefined ? [] : [{ type: 'ExecStarted', ...identity, exec, ...began }, end];
      }
    }
  },

  evolve(task, event) {
    const { container, start } = event;
    switch (event.type) {
      case 'TaskRequested':
        return { status: 'requested', container, start, ...chosen(event) };
      case 'SignalRequested':
        return task;
      case 'TaskFailed':
        return { status: 'failed', container, start, ...leftIn(task) };
      case 'TaskStarted':
        return { status: 'running', container, start, pid: event.pid, startedAt: event.at, execs: new Set(), oomKills: 0, ...(task.status === 'requested' ? chosen(task) : {}) };
      case 'TaskOutOfMemory':
        return task.status === 'running' ? { ...task, oomKills: event.kills } : task;
      case 'PortsChanged':
        return task.status === 'running' ? { ...task, published: event.published } : task;
      case 'TaskExited':
        return { status: 'exited', container, start, pid: 0, startedAt: task.status === 'running' ? task.startedAt : '', execs: new Set(), oomKills: 0, ...leftIn(task) };
      case 'ExecStarted':
      case 'ExecExited': {
        if (task.status !== 'running') return task;
        const execs = new Set(task.execs);
        if (event.type === 'ExecStarted') execs.add(event.exec);
        else execs.delete(event.exec);
        return { ...task, execs };
      }
    }
  },
};

/** What is on record is told again by its end, and by each shim that an executor finds again. */
function outOfMemory(task: Task, identity: Pick<Observed, 'container' | 'start'>, kills: number, at: string): readonly TaskEvent[] {
  if (task.status !== 'running' && task.status !== 'requested') return [];
  return kills > ('oomKills' in task ? task.oomKills : 0) ? [{ type: 'TaskOutOfMemory', ...identity, kills, at }] : [];
}

/** What a task was requested with and a later executor needs to find it again. */
function chosen({ published, runtime, cgroupParent, ids }: Chosen): Chosen {
  return { ...(published ? { published } : {}), ...(runtime ? { runtime } : {}), ...(cgroupParent === undefined ? {} : { cgroupParent }), ...(ids ? { ids } : {}) };
}

/** Where something of it may still be found when it is over. */
function leftIn(task: Task): Pick<Chosen, 'cgroupParent'> {
  return task.status === 'absent' || task.cgroupParent === undefined ? {} : { cgroupParent: task.cgroupParent };
}
