import type { ContainerView, ListedContainer } from '#contracts/containers/container-state.js';
import type { ContainerEvent, ExecEvent, NameEvent } from '#contracts/containers/events.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import { BerthError, invalid, notFound } from '#libs/errors/errors.js';
import type { ContainerCommand } from '../../domain/container/container-decider.js';
import { type Container, isPresent, isRunning, type PresentContainer } from '../../domain/container/container-state.js';
import { containerView, listedContainer } from '../../domain/container-view.js';
import { type Link, linkNames, linksOf, parseLinkName, shownLink } from '../../domain/network/links.js';
import type { Exec, ExecCommand } from '../../domain/exec/exec-decider.js';
import type { Name, NameCommand } from '../../domain/name/name-decider.js';
import type { ExecRuns } from '../processes/exec-runs.js';

export type Containers = Aggregates<Container, ContainerCommand, ContainerEvent>;
export type Names = Aggregates<Name, NameCommand, NameEvent>;
export type Execs = Aggregates<Exec, ExecCommand, ExecEvent>;

/** As long as for the gateway's own questions about the log. */
const POSITION_WAIT_MS = 10_000;

/** Containers by id, name, the beginning of an id, or a link. */
export class ContainerDirectory {
  /** As lists show them. A state never changes: its view is made once. */
  private readonly listed = new WeakMap<PresentContainer, ListedContainer>();

  constructor(
    private readonly containers: Containers,
    private readonly names: Names,
    private readonly execRuns: ExecRuns,
    private readonly dataRoot: string,
  ) {}

  /** Resolves once all of the log up to `position` is known here. Rejects as unavailable where a client names one that does not come. */
  waitFor(position: number): Promise<void> {
    return this.containers.waitFor(position, POSITION_WAIT_MS);
  }

  find(reference: string): PresentContainer {
    const exact = this.get(reference) ?? this.get(this.names.get(reference.replace(/^\//, '')).state.holder) ?? this.linked(reference);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(reference) ? this.all().filter(({ spec }) => spec.id.startsWith(reference)) : [];
    if (matches.length > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    if (!matches[0]) throw notFound(`No such container: ${reference}`);
    return matches[0];
  }

  /** The container that a link leads to, by the name of the container that has the link: "web/db". */
  private linked(reference: string): PresentContainer | undefined {
    const name = parseLinkName(reference);
    const owner = name && (this.get(name.owner) ?? this.get(this.names.get(name.owner).state.holder));
    return owner && this.linksOf(owner).find(({ alias }) => alias === name.alias)?.target;
  }

  /** As `find`; undefined where it would throw not-found. */
  tryFind(reference: string): PresentContainer | undefined {
    try {
      return this.find(reference);
    } catch (error) {
      if (error instanceof BerthError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }

  get(id: string): PresentContainer | undefined {
    if (id === '') return undefined;
    const { state } = this.containers.get(id);
    return isPresent(state) ? state : undefined;
  }

  all(): PresentContainer[] {
    return Array.from(this.containers.entries(), ([, state]) => state).filter(isPresent);
  }

  /** As they will be. */
  private restoring(): PresentContainer[] {
    return Array.from(this.containers.entries(), ([, state]) => state).flatMap((state) => (state.status === 'restoring' ? [state.before] : []));
  }

  view(container: PresentContainer): ContainerView {
    const view = containerView(container, this.execRuns.listed(container.spec.id), this.dataRoot);
    if (!container.spec.hostConfig.Links) return view;
    const links = this.linksOf(container).map((link) => shownLink(container.spec.name, link));
    return { ...view, hostConfig: { ...view.hostConfig, Links: links.length > 0 ? links : null } };
  }

  /** Those whose other end is there. */
  linksOf({ spec }: PresentContainer): Link[] {
    return linksOf(spec.hostConfig, (id) => this.get(id));
  }

  /** `restoring`: also what is on its way back. */
  list(all: boolean, restoring = false): { containers: readonly ListedContainer[]; position: number } {
    const present = this.all();
    const shown = [...present.filter((container) => all || isRunning(container) || container.status === 'restarting'), ...(restoring ? this.restoring() : [])];
    const newestFirst = shown.sort((one, other) => (one.spec.createdAt < other.spec.createdAt ? 1 : -1));
    const names = linkNames(present);
    return { containers: newestFirst.map((container) => this.listedOf(container, names.get(container.spec.id))), position: this.containers.position };
  }

  /** What links call it changes without it. */
  private listedOf(container: PresentContainer, linkNames: readonly string[] | undefined): ListedContainer {
    if (linkNames !== undefined) return listedContainer(container, linkNames);
    let view = this.listed.get(container);
    if (view === undefined) this.listed.set(container, (view = listedContainer(container)));
    return view;
  }
}
