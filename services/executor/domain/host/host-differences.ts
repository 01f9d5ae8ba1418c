/** What this engine wants of the host: its tasks that run, and what the log says of containers and networks. */
export interface Wished {
  /** Containers on the log, whatever their state. */
  readonly containers: ReadonlySet<string>;
  /** Containers that run by the log, each with the outer end of its link; '': it has none of its own. */
  readonly running: ReadonlyMap<string, string>;
  /** Tasks that run, or begin; without a pid they are not born yet. */
  readonly tasks: readonly { readonly id: string; readonly container: string; readonly pid: number }[];
  readonly bridges: ReadonlySet<string>;
  /** Elements of the firewall's maps, as text. */
  readonly rules: ReadonlySet<string>;
}

/** What there is. Names alone, so that both sides can be compared as sets. */
export interface Found {
  /** Containers that have a cgroup, each with the number of processes in it. */
  readonly cgroups: ReadonlyMap<string, number>;
  readonly processes: ReadonlySet<number>;
  /** Tasks that a shim keeps. */
  readonly shims: ReadonlySet<string>;
  /** Bridges of that name, and the veths that end at them. */
  readonly bridges: ReadonlySet<string>;
  readonly veths: ReadonlySet<string>;
  /** Undefined: the table is not there, or is empty. */
  readonly rules: ReadonlySet<string> | undefined;
  readonly taskDirectories: ReadonlySet<string>;
  readonly containerDirectories: ReadonlySet<string>;
  /** Mounts below the engine's directories that the host itself has. */
  readonly mounts: readonly string[];
}

export const DRIFT_KINDS = ['bridge', 'cgroup', 'dir', 'process', 'rule', 'shim', 'task', 'veth'] as const;
export const LEAK_KINDS = ['cgroup', 'dir', 'mount', 'process', 'rule', 'veth'] as const;

export interface Difference {
  /** Drift: wished, and not there. Leaked: there, and wished by nobody. */
  readonly what: 'drift' | 'leaked';
  readonly kind: (typeof DRIFT_KINDS | typeof LEAK_KINDS)[number];
  readonly subject: string;
}

/** What begins or ends at this moment shows up too: only what is still so at the next look is worth an alarm. */
export function hostDifferences(wished: Wished, found: Found): Difference[] {
  const differences: Difference[] = [];
  const drift = (kind: (typeof DRIFT_KINDS)[number], subject: string): void => void differences.push({ what: 'drift', kind, subject });
  const leaked = (kind: (typeof LEAK_KINDS)[number], subject: string): void => void differences.push({ what: 'leaked', kind, subject });
  const begun = wished.tasks.filter(({ pid }) => pid > 0);
  const withTask = new Set(wished.tasks.map(({ container }) => container));

  for (const container of wished.running.keys()) if (!withTask.has(container)) drift('task', container);
  for (const { id, container, pid } of begun) {
    if (!found.processes.has(pid)) drift('process', id);
    if (!found.shims.has(id)) drift('shim', id);
    if (!found.cgroups.has(container)) drift('cgroup', container);
    if (!found.taskDirectories.has(id)) drift('dir', id);
    if (!found.containerDirectories.has(container)) drift('dir', container);
  }
  for (const [container, link] of wished.running) if (link !== '' && !found.veths.has(link)) drift('veth', container);
  for (const bridge of wished.bridges) if (!found.bridges.has(bridge)) drift('bridge', bridge);
  if (wished.bridges.size > 0 && found.rules === undefined) drift('rule', 'table');
  for (const rule of wished.rules) if (!found.rules?.has(rule)) drift('rule', rule);

  const tasks = new Set(wished.tasks.map(({ id }) => id));
  const links = new Set(wished.running.values());
  for (const [container, processes] of found.cgroups) {
    if (withTask.has(container)) continue;
    leaked('cgroup', container);
    for (let number = 1; number <= processes; number++) leaked('process', `${container} ${number}`);
  }
  for (const shim of found.shims) if (!tasks.has(shim)) leaked('process', shim);
  for (const veth of found.veths) if (!links.has(veth)) leaked('veth', veth);
  for (const rule of found.rules ?? []) if (!wished.rules.has(rule)) leaked('rule', rule);
  for (const id of found.taskDirectories) if (!tasks.has(id)) leaked('dir', id);
  for (const id of found.containerDirectories) if (!wished.containers.has(id)) leaked('dir', id);
  for (const mount of found.mounts) leaked('mount', mount);
  return differences;
}
