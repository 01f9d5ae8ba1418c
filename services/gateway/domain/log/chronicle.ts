import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit } from '#libs/event-store/event.js';
import type { DockerEvent } from '../docker/event.js';
import { DockerEvents, type FrozenDockerEvents, LOGGED_KINDS, type LoggedEvent } from '../docker/events.js';
import { type ContainerAt, foldCommit } from './container-fold.js';
import { type Candidate, candidateOf, candidateOfOther, nameOther, type Other, unnamed } from './find-subject.js';

/** Aggregates that dockerd has events of. */
const DOCKER_KINDS: ReadonlySet<string> = new Set(LOGGED_KINDS);

export interface LogTotals {
  commits: number;
  events: number;
  /** RFC 3339; null: the log is empty. */
  firstCommit: string | null;
  lastCommit: string | null;
  readonly byAggregate: Record<string, number>;
}

/** A Chronicle as JSON. */
export interface FrozenChronicle {
  readonly containers: readonly (readonly [order: number, container: ContainerAt, former: readonly string[]])[];
  readonly others: readonly (readonly [subject: string, other: Candidate])[];
  readonly docker: FrozenDockerEvents;
  readonly totals: LogTotals;
  readonly latest: number;
}

/** What one commit brought. */
export interface Chronicled {
  /** In dockerd's words. */
  readonly docker: readonly DockerEvent[];
  /** What has left the chronicle with it. */
  readonly gone: readonly Candidate[];
}

/**
 * What the log says up to one commit, of what is there then: containers, volumes, images, networks, and what dockerd's events need to be told. Feed it the log commit
 * by commit. Removed containers and volumes leave it, so that it does not grow with the log: a container once it cannot come back. Images and networks stay, since one
 * that comes again keeps its names.
 */
export class Chronicle {
  /** Newest commit's time so far, milliseconds since 1970: a clock may have been set back since. */
  latest = Number.NEGATIVE_INFINITY;
  totals: LogTotals = { commits: 0, events: 0, firstCommit: null, lastCommit: null, byAggregate: {} };
  docker = new DockerEvents();
  /** By id, in the order of their creation; also what is removed and can come back. */
  private readonly folded = new Map<string, ContainerAt>();
  private readonly orders = new Map<string, number>();
  /** What those that were renamed were called before. */
  private readonly former = new Map<string, readonly string[]>();
  private readonly others = new Map<string, Other>();

  static from(frozen: FrozenChronicle): Chronicle {
    const chronicle = new Chronicle();
    for (const [order, container, former] of frozen.containers) {
      chronicle.folded.set(container.id, container);
      chronicle.orders.set(container.id, order);
      if (former.length > 0) chronicle.former.set(container.id, former);
    }
    for (const [subject, other] of frozen.others) chronicle.others.set(subject, { ...other, kind: other.kind as Other['kind'], names: new Set(other.names), former: new Set(other.former) }); // as `freeze` gave it
    chronicle.docker = DockerEvents.from(frozen.docker);
    chronicle.totals = { ...frozen.totals, byAggregate: { ...frozen.totals.byAggregate } };
    chronicle.latest = frozen.latest;
    return chronicle;
  }

  /** Those that are there, by id, in the order of their creation. */
  get containers(): ReadonlyMap<string, ContainerAt> {
    return new Map([...this.folded].filter(([, { status }]) => status !== 'removed'));
  }

  freeze(): FrozenChronicle {
    return {
      containers: Array.from(this.folded.values(), (container) => [this.orders.get(container.id) ?? 0, container, this.former.get(container.id) ?? []] as const),
      others: Array.from(this.others, ([subject, other]) => [subject, candidateOfOther(other)] as const),
      docker: this.docker.freeze(),
      totals: this.totals,
      latest: this.latest,
    };
  }

  see(commit: Commit): Chronicled {
    const { kind, id } = parseSubject(commit.subject);
    this.count(commit, kind);
    const gone = kind === 'container' ? this.seeContainer(commit) : kind === 'image' || kind === 'volume' || kind === 'network' || kind === 'access' ? this.seeOther(commit, kind, id) : [];
    // Subjects have one writer each, which validated what it wrote.
    const docker = DOCKER_KINDS.has(kind) ? this.docker.translate(commit.events as readonly unknown[] as readonly LoggedEvent[]) : [];
    return { docker, gone };
  }

  /** All that it holds, containers first, each in the order of their first commits. */
  *candidates(): Iterable<Candidate> {
    for (const container of this.containers.values()) yield this.candidateOf(container);
    for (const other of this.others.values()) yield candidateOfOther(other);
  }

  private count({ time, events }: Commit, kind: string): void {
    const { totals } = this;
    totals.commits++;
    totals.events += events.length;
    totals.firstCommit ??= time;
    totals.lastCommit = time;
    totals.byAggregate[kind] = (totals.byAggregate[kind] ?? 0) + 1;
    const at = Date.parse(time);
    if (at > this.latest) this.latest = at;
  }

  private seeContainer(commit: Commit): readonly Candidate[] {
    const gone: Candidate[] = [];
    const before = this.folded.get(parseSubject(commit.subject).id);
    let wasRemoved = before?.status === 'removed';
    let called = before?.name;
    for (const container of foldCommit(this.folded, commit)) {
      const order = this.orders.get(container.id) ?? commit.position;
      this.orders.set(container.id, order);
      const isRemoved = container.status === 'removed';
      if (called !== undefined && called !== container.name) this.former.set(container.id, [...(this.former.get(container.id) ?? []), called].filter((name) => name !== container.name));
      called = container.name;
      if (isRemoved && !wasRemoved) gone.push(this.candidateOf(container));
      wasRemoved = isRemoved;
      if (!isRemoved || container.keptUntil !== undefined) continue;
      this.folded.delete(container.id);
      this.orders.delete(container.id);
      this.former.delete(container.id);
    }
    return gone;
  }

  private candidateOf(container: ContainerAt): Candidate {
    return candidateOf(container, this.orders.get(container.id) ?? 0, this.former.get(container.id) ?? []);
  }

  private seeOther(commit: Commit, kind: Other['kind'], id: string): readonly Candidate[] {
    const other = this.others.get(commit.subject) ?? unnamed(kind, id, commit.position);
    this.others.set(commit.subject, other);
    nameOther(other, commit.events);
    // A volume's name is its id: one that comes again has lost nothing.
    if (!other.gone || kind !== 'volume') return [];
    this.others.delete(commit.subject);
    return [candidateOfOther(other)];
  }
}
