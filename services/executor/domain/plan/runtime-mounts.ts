import type { Mount, RuntimeSpec } from '../spec/runtime-spec.js';
import type { PlanStep } from './plan-table.js';
import { rootStep } from './root-step.js';
import { idMapsOf, rootTree } from './user-namespace-steps.js';

/** Of MOUNT_ATTR_*: nosuid, nodev, noexec. */
const SHARED_ATTRIBUTES = 2 | 4 | 8;

export interface ForRuntime {
  readonly spec: RuntimeSpec;
  /** Of the shim, in a mount namespace of its own, where the runtime then finds the root at its path. */
  readonly steps: readonly PlanStep[];
}

/**
 * What an installed runtime has no word for, or not all of them and not yet, is mounted before it comes, below its bundle, and the spec has it as a bind from there: what
 * has the ids of a user namespace, a part of a volume, and the memory that another container shares.
 */
export function forRuntime(spec: RuntimeSpec, bundle: string): ForRuntime {
  const namespace = spec.linux.namespaces.findIndex(({ type, path }) => type === 'user' && path !== undefined);
  const path = spec.linux.namespaces[namespace]?.path;
  const root = rootStep(spec.root, 'parent');
  const trees: PlanStep[] = path === undefined ? [] : [rootTree(root, idMapsOf(spec.linux))];
  const placed: PlanStep[] = path === undefined ? [] : [{ op: 'place_tree', actor: 'parent', from: 'root', tree: 0, target: spec.root.path }];
  const mounts = spec.mounts.map((mount, index): Mount => {
    const from = `mounts[${index}]`;
    const tree = treeOf(mount, from);
    if (tree === undefined) return mount;
    const { shared: _shared, below: _below, ...plain } = mount;
    const source = `${bundle}/mount-${index}`;
    placed.push({ op: 'place_tree', actor: 'parent', from, tree: trees.length, target: source });
    trees.push(tree);
    return { ...plain, type: 'bind', source, options: [...(mount.type === 'bind' ? [] : ['bind', 'rprivate']), ...mount.options.filter((option) => option !== 'idmap')] };
  });
  if (trees.length === 0) return { spec, steps: [root] };
  const steps: readonly PlanStep[] = [
    ...(path === undefined ? [] : [{ op: 'open_user_namespace', actor: 'parent', from: `linux.namespaces[${namespace}]`, path } as const]),
    { op: 'stage', actor: 'parent', from: 'root', target: spec.root.path, trees: trees.length },
    ...trees,
    ...placed,
    ...(path === undefined ? [root] : []),
  ];
  return { spec: { ...spec, mounts }, steps };
}

/** Undefined: the runtime does it by itself. Every runtime mounts a container's procfs anew, when it is among the processes of the container that it joins. */
function treeOf({ type, source, below, destination, options, shared }: Mount, from: string): PlanStep | undefined {
  const mapped = options.includes('idmap');
  if (below !== undefined) return { op: 'part_tree', actor: 'parent', from, source, below, recursive: options.includes('rbind'), readonly: false, alone: false, propagation: 0, attributes: 0, mapped };
  if (mapped) return { op: 'bind_tree', actor: 'parent', from, source, recursive: options.includes('rbind'), readonly: false, propagation: 0, attributes: 0, mapped: true };
  if (shared === undefined || type === 'proc') return undefined;
  return { op: 'shared_tree', actor: 'parent', from, mountNamespace: shared.mountNamespace, pidNamespace: '', source: destination, attributes: SHARED_ATTRIBUTES };
}
