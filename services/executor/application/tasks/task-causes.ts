import { randomUUID } from 'node:crypto';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import type { Commit } from '#libs/event-store/event.js';
import type { Tasks } from '../launch/task-launcher.js';

interface Signalled {
  readonly signal: number;
  readonly ends: boolean;
  readonly cause: RequestContext;
}

interface TaskCause {
  /** One of each signal, the newest last. */
  readonly signals: readonly Signalled[];
  readonly execs: ReadonlyMap<string, RequestContext>;
}

const nothing: TaskCause = { signals: [], execs: new Map() };
const actor = 'service:executor';

/** Why what shims tell of happened: by which command, as far as one asked for it. Folded from the tasks' own events, of tasks that run. */
export class TaskCauses {
  private readonly tasks = new Map<string, TaskCause>();

  /** Hears all that happens to `tasks`; made before they start. */
  listenTo(tasks: Tasks): void {
    tasks.onCommit((id, commit) => {
      for (const event of commit.events) this.see(id, event, commit);
    });
  }

  /** A command for an exec is under way: what its process does first is that command's doing. */
  execAsked(task: string, exec: string, asked: RequestContext): void {
    const known = this.tasks.get(task) ?? nothing;
    this.tasks.set(task, { ...known, execs: new Map(known.execs).set(exec, asked) });
  }

  /** A signal that was to end it, or the one it died of; without either, it ended of its own accord. */
  exitCause(task: string, signal: number): RequestContext {
    return this.tasks.get(task)?.signals.findLast((sent) => sent.ends || sent.signal === signal)?.cause ?? ofItself();
  }

  execCause(task: string, exec: string): RequestContext {
    return this.tasks.get(task)?.execs.get(exec) ?? ofItself();
  }

  /** What a snapshot keeps. */
  freeze(): unknown {
    return Array.from(this.tasks, ([task, { signals, execs }]) => [task, signals, [...execs]]);
  }

  thaw(frozen: unknown): void {
    for (const [task, signals, execs] of frozen as [string, Signalled[], [string, RequestContext][]][]) this.tasks.set(task, { signals, execs: new Map(execs) }); // what `freeze` gave
  }

  private see(task: string, event: TaskEvent, commit: Commit): void {
    const known = this.tasks.get(task) ?? nothing;
    const cause = (): RequestContext => ({ actor, correlationId: commit.cause.correlationId, causationId: commit.id });
    switch (event.type) {
      case 'SignalRequested': {
        const { signal, ends } = event;
        this.tasks.set(task, { ...known, signals: [...known.signals.filter((sent) => sent.signal !== signal), { signal, ends, cause: cause() }] });
        return;
      }
      case 'ExecStarted':
        this.execAsked(task, event.exec, cause());
        return;
      case 'ExecExited': {
        const execs = new Map(known.execs);
        execs.delete(event.exec);
        this.tasks.set(task, { ...known, execs });
        return;
      }
      case 'TaskFailed':
      case 'TaskExited':
        this.tasks.delete(task);
    }
  }
}

/** Nobody asked for it: a chain of causes of its own begins here. */
export const ofItself = (): RequestContext => ({ actor, correlationId: randomUUID(), causationId: 'own-accord' });
