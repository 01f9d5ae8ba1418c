import type { ContainerEvent } from '#contracts/containers/events.js';
import { notFound } from '#libs/errors/errors.js';
import { containerDecider } from '../container/container-decider.js';
import { type Container, isKept } from '../container/container-state.js';
import type { EditableSpec } from './apply-changes.js';

/** What a container was in a version: as it stood when the next one began, so that what `docker update` did to it meanwhile counts. Throws not-found for one that never was. */
export function specAtVersion(history: readonly ContainerEvent[], wanted: number): EditableSpec {
  let state: Container = containerDecider.initialState;
  let found: EditableSpec | undefined;
  for (const event of history) {
    state = containerDecider.evolve(state, event);
    const present = isKept(state) ? state.before : state;
    if (present.status !== 'absent' && (present.version ?? 1) === wanted) found = present.spec;
  }
  if (found === undefined) throw notFound(`there is no version ${wanted} of the container`);
  return found;
}
