import type { EditedPart } from '#contracts/containers/edit.js';
import type { ContainerEvent, EditedSpec } from '#contracts/containers/events.js';
import { conflict } from '#libs/errors/errors.js';
import { changedLimitFields, editedParts, livePart } from '../edit/edited-parts.js';
import type { ContainerCommand } from './container-decider.js';
import { isRunning, type PresentContainer } from './container-state.js';

type Edit = Extract<ContainerCommand, { type: 'Edit' }>;
type EditEvent = Extract<ContainerEvent, { type: 'EditRequested' | 'ContainerEdited' }>;

/** What a running container's kernel has to be told of is an intent first; the rest is done when it is on the log. */
export function decideEdit({ spec, revertedTo, at }: Edit, state: PresentContainer): readonly ContainerEvent[] {
  const container = state.spec.id;
  if (state.status === 'removing') throw conflict(`container ${container} is marked for removal and cannot be edited`);
  if (state.status === 'starting') throw conflict(`container ${container} is starting: edit it when it runs`);
  if (state.edit) throw conflict(`container ${container} is being edited`);
  const parts = editedParts(state.spec, spec);
  if (parts.length === 0) return [];
  const runs = isRunning(state);
  const lost = changedLimitFields(state.spec.hostConfig, spec.hostConfig).lost;
  const pending = runs ? parts.filter((part) => !livePart(part) || (part === 'limits' && lost)) : [];
  const edited: EditedSpec = { version: (state.version ?? 1) + 1, ...spec, parts, pending, ...(revertedTo === undefined ? {} : { revertedTo }) };
  const needsKernel = runs && (parts.includes('ports') || parts.includes('limits'));
  return [{ type: needsKernel ? 'EditRequested' : 'ContainerEdited', container, ...edited, at }];
}

export function evolveEdit(state: PresentContainer, event: EditEvent): PresentContainer {
  const { type: _type, container: _container, at: _at, ports, ...edited } = { ports: undefined, ...event };
  if (event.type === 'EditRequested') return { ...state, edit: edited };
  const { config, hostConfig, path, args, mounts, restartWhenUnhealthy, version } = edited;
  const { edit: _done, pending: before = [], unmounted = [], ...rest } = state;
  const { restartWhenUnhealthy: _former, ...spec } = state.spec;
  const pending: EditedPart[] = isRunning(state) ? [...new Set([...before, ...edited.pending])] : [];
  const left = leftVolumes(state, edited, unmounted);
  return {
    ...rest,
    version,
    ...(pending.length > 0 ? { pending } : {}),
    ...(left.length > 0 ? { unmounted: left } : {}),
    spec: { ...spec, config, hostConfig, path, args, mounts, ...(restartWhenUnhealthy === undefined ? {} : { restartWhenUnhealthy }) },
    run: { ...state.run, ...(ports && state.run.endpoint ? { endpoint: { ...state.run.endpoint, ports } } : {}) },
  };
}

/** Anonymous volumes of its own that it has no more mounted: they go when it goes with its volumes. */
function leftVolumes(state: PresentContainer, { mounts }: EditedSpec, before: readonly string[]): string[] {
  const mounted = new Set(mounts.map(({ name }) => name));
  const former = state.spec.mounts.flatMap(({ name, anonymous }) => (anonymous && name ? [name] : []));
  return [...new Set([...before, ...former])].filter((name) => !mounted.has(name));
}
