import { readdirSync, readFileSync } from 'node:fs';

/** The processes of an engine that run whether or not a container does, by name. */
export type ProcessTree = () => ReadonlyMap<string, number>;

const MIB = 1024;

/** MiB of PSS, by process of the engine; its children count with it unless they have names of their own. Processes that end meanwhile count as nothing. */
export function idleMemory(processes: ProcessTree): ReadonlyMap<string, number> {
  const children = childrenByParent();
  const named = processes();
  const others = (pid: number): Set<number> => new Set([...named.values()].filter((other) => other !== pid));
  return new Map([...named].map(([name, pid]) => [name, withDescendants(pid, children, others(pid)).reduce((total, one) => total + pss(one), 0)]));
}

/** MiB of PSS of the engine and of the keepers of containers: the parents of `containerPids`, counted once each. What is in containers is not counted. */
export async function memoryOf(processes: ProcessTree, containerPids: readonly number[]): Promise<number> {
  await settle();
  const children = childrenByParent();
  const inside = new Set(containerPids.flatMap((pid) => withDescendants(pid, children)));
  const outside = new Set([...[...processes().values()].flatMap((pid) => withDescendants(pid, children)), ...containerPids.map(parentOf)]);
  return [...outside].filter((pid) => pid > 1 && !inside.has(pid)).reduce((total, pid) => total + pss(pid), 0);
}

/** What was just done still frees and reads for a moment; memory at rest has no event to wait for. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3_000));

/** `without`: pids that are left out, with all below them. */
function withDescendants(pid: number, children: ReadonlyMap<number, readonly number[]>, without: ReadonlySet<number> = new Set()): number[] {
  return without.has(pid) ? [] : [pid, ...(children.get(pid) ?? []).flatMap((child) => withDescendants(child, children, without))];
}

function childrenByParent(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return children;
}

const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
const pss = (pid: number): number => Number(/^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / MIB;

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
