import type { IdMaps } from '#contracts/executor/id-maps.js';
import type { LaunchTask } from '#contracts/executor/tasks.js';
import { conflict } from '#libs/errors/errors.js';

interface WithIds {
  readonly ids: IdMaps | undefined;
  readonly hasExited: boolean;
}

/** Which ids of the host a task's user namespace has. */
export class UserNamespaceIds {
  constructor(
    /** Those of all that have none of their own; undefined: the engine maps none. */
    readonly engine: IdMaps | undefined,
    /** Ranges of ids, of which a task has one at a time; read anew each time, since an administrator adds to them. */
    private readonly privates: () => readonly IdMaps[],
    private readonly owner: string,
  ) {}

  /** `live`: all tasks, whose ids are theirs until they end. Rejects as a conflict when no private ones are left. */
  choose(wanted: LaunchTask['userNamespace'], live: Iterable<WithIds>): IdMaps | undefined {
    if (wanted === undefined) return undefined;
    if (wanted === 'engine') {
      if (this.engine === undefined) throw conflict('the executor maps no ids: BERTH_USERNS_REMAP is not set for it');
      return this.engine;
    }
    const taken = new Set(Array.from(live, ({ ids, hasExited }) => (hasExited ? undefined : ids?.uids[0]?.outside)));
    const all = this.privates();
    const free = all.find(({ uids }) => !taken.has(uids[0]?.outside));
    if (free) return free;
    const lines = `give "${this.owner}" more in /etc/subuid and /etc/subgid, such as ${this.owner}:1000000:6553600 for 100 containers`;
    throw conflict(all.length === 0 ? `there are no ids for a private user namespace: ${lines}` : `all ${all.length} ranges of ids for private user namespaces are in use: ${lines}`);
  }
}
