import { notFound } from '#libs/errors/errors.js';
import { type Container, isKept } from '../container/container-state.js';
import type { EditableSpec } from './apply-changes.js';

/** Finds what a container was in a version among all that it was, one after the other: as it stood when the next version began, so that what `docker update` did to it meanwhile counts. */
export class SpecAtVersion {
  private found: EditableSpec | undefined;

  constructor(private readonly wanted: number) {}

  see(state: Container): void {
    const present = isKept(state) ? state.before : state;
    if (present.status !== 'absent' && (present.version ?? 1) === this.wanted) this.found = present.spec;
  }

  /** Throws not-found for a version that never was. */
  get spec(): EditableSpec {
    if (this.found === undefined) throw notFound(`there is no version ${this.wanted} of the container`);
    return this.found;
  }
}
