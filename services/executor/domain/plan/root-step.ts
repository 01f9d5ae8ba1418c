import type { Root } from '../spec/runtime-spec.js';
import type { Actor, PlanStep } from './plan-table.js';

/** The mount of the root, of whatever it is made. */
export function rootStep(root: Root, actor: Actor): Extract<PlanStep, { op: 'overlay_root' | 'bind_root' }> {
  const at = { actor, from: 'root', target: root.path } as const;
  return 'overlay' in root ? { op: 'overlay_root', ...at, ...root.overlay } : { op: 'bind_root', ...at, source: root.directory, readonly: false };
}
