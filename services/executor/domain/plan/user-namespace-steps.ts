import { posix } from 'node:path';
import type { IdMaps, IdRange } from '#contracts/executor/id-maps.js';
import { outsideId } from '#libs/settings/subordinate-ids.js';
import type { IdMapping, Linux } from '../spec/runtime-spec.js';
import type { PlanStep } from './plan-table.js';
import { raiseSteps } from './process-steps.js';

export interface EnteredNamespace {
  /** Of the namespace, on the host. */
  readonly path: string;
  readonly from: string;
  readonly ids: IdMaps;
  /** CLONE_NEW* of the namespaces that are its own. */
  readonly flags: number;
  /** The empty host directory that the root goes on. */
  readonly target: string;
  /** Whether a bind with this `from` has the namespace's ids on the disk. */
  readonly isMapped: (from: string) => boolean;
}

/** Of a spec with a user namespace. */
export function idMapsOf({ uidMappings, gidMappings }: Linux): IdMaps {
  const rangesOf = (mappings: readonly IdMapping[] = []): readonly IdRange[] => mappings.map(({ containerID, hostID, size }) => ({ inside: containerID, outside: hostID, size }));
  return { uids: rangesOf(uidMappings), gids: rangesOf(gidMappings) };
}

/** Of one step: what the host's root does first, the tree it prepares, and what is done inside. */
interface Split {
  readonly before?: readonly PlanStep[];
  readonly tree?: PlanStep;
  readonly inside: readonly PlanStep[];
}

/**
 * The child's steps, written for the host's root, as steps that come to the same in a user namespace. Only the host may mount layers, sources of binds and nodes, raise
 * limits, join what is not the namespace's and open what the executor holds: that is done first, where it is out of the container's sight, and what is mounted is kept as trees, which are put
 * in their places inside. All else is done inside, in the order it had.
 */
export function inUserNamespace(steps: readonly PlanStep[], entered: EnteredNamespace): readonly PlanStep[] {
  const { path, from, ids, flags, target } = entered;
  const child = { actor: 'child', from } as const;
  const root = { uid: hostId(ids.uids, 0), gid: hostId(ids.gids, 0) };
  const trees: PlanStep[] = [];
  const before: PlanStep[] = [];
  const inside: PlanStep[] = [];
  for (const step of steps) {
    const split = splitStep(step, trees.length, entered);
    before.push(...(split.before ?? []));
    if (split.tree) trees.push(split.tree);
    inside.push(...split.inside);
  }
  return [
    { op: 'private_propagation', ...child },
    ...before,
    { op: 'open_user_namespace', ...child, path },
    { op: 'own_stdio', ...child, ...root },
    { op: 'stage', ...child, target, trees: trees.length },
    ...trees,
    { op: 'enter_user_namespace', ...child, flags },
    ...inside,
  ];
}

/** `tree`: the number that the next tree gets. */
function splitStep(step: PlanStep, tree: number, { ids, isMapped }: EnteredNamespace): Split {
  const { actor, from } = step;
  const at = { actor, from } as const;
  const attach = (target: string): Split['inside'] => [{ op: 'attach_tree', ...at, tree, target }];
  switch (step.op) {
    case 'private_propagation':
      return { inside: [] };
    case 'join_namespace':
      return { before: [step], inside: [] };
    case 'set_rlimit':
      return { before: raiseSteps([step]), inside: [step] };
    case 'overlay_root':
    case 'bind_root':
      return { tree: rootTree(step, ids), inside: [{ op: 'attach_root', ...at, tree }] };
    case 'bind_mount': {
      const { source, recursive, readonly, propagation, attributes, target } = step;
      return { tree: { op: 'bind_tree', ...at, source, recursive, readonly, propagation, attributes, mapped: isMapped(from) }, inside: attach(target) };
    }
    case 'bind_part': {
      const { source, below, recursive, readonly, alone, propagation, attributes, target } = step;
      return { tree: { op: 'part_tree', ...at, source, below, recursive, readonly, alone, propagation, attributes, mapped: isMapped(from) }, inside: attach(target) };
    }
    case 'share_mount': {
      const { mountNamespace, pidNamespace, source, attributes, target } = step;
      return { tree: { op: 'shared_tree', ...at, mountNamespace, pidNamespace, source, attributes }, inside: [{ op: 'attach_shared', ...at, tree, target, procfs: pidNamespace !== '' }] };
    }
    case 'make_node': {
      const { type, mode, major, minor, uid, gid, target } = step;
      return { tree: { op: 'node_tree', ...at, type, mode, major, minor, uid: hostId(ids.uids, uid), gid: hostId(ids.gids, gid) }, inside: attach(target) };
    }
    default:
      return { inside: [step] };
  }
}

/** The root, with the namespace's ids. */
export function rootTree(step: Extract<PlanStep, { op: 'overlay_root' | 'bind_root' }>, ids: IdMaps): PlanStep {
  const at = { actor: step.actor, from: step.from } as const;
  if (step.op === 'bind_root') return { op: 'bind_tree', ...at, source: step.source, recursive: true, readonly: step.readonly, propagation: 0, attributes: 0, mapped: true };
  const [upper, work] = [step.upper, step.work].map((path) => posix.resolve(step.baseDirectory, path)) as [string, string];
  const own = posix.dirname(upper);
  const names = { upper: posix.relative(own, upper), work: posix.relative(own, work) };
  return { op: 'overlay_tree', ...at, layers: step.baseDirectory, lower: step.lower, own, ...names, options: step.options, uid: hostId(ids.uids, 0), gid: hostId(ids.gids, 0) };
}

/** A node's owner that has no name in there is its root. */
function hostId(map: IdMaps['uids'], inside: number): number {
  return outsideId(map, inside) ?? outsideId(map, 0) ?? 0;
}
