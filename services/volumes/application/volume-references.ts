import type { ContainerEvent, NameEvent } from '#contracts/containers/events.js';
import type { VolumeEvent } from '#contracts/volumes/volumes.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { Fold } from '#libs/event-store/fold.js';

/** A request that wants a volume may have died over it. */
const LIMIT_MS = 60 * 60_000;

interface Frozen {
  readonly mounted: readonly (readonly [container: string, volumes: readonly string[]])[];
  readonly keepers: readonly string[];
  readonly beingMade: readonly string[];
  readonly kept: readonly (readonly [container: string, volumes: readonly string[]])[];
  readonly intended: readonly (readonly [container: string, volumes: readonly string[]])[];
  readonly atNextStart: readonly (readonly [container: string, volumes: readonly string[]])[];
  readonly anonymous: readonly (readonly [container: string, volumes: readonly string[]])[];
  readonly left: readonly string[];
}

/** Which containers refer to a volume, folded from what the containers service publishes, and of which none does any more. */
export class VolumeReferences {
  private readonly users = new Map<string, Set<string>>();
  private readonly mounted = new Map<string, readonly string[]>();
  /** Containers that were made with anonymous volumes, and not removed with them. */
  private readonly keepers = new Set<string>();
  /** Containers that have claimed a name and are not there yet: their volumes are being made. */
  private readonly beingMade = new Set<string>();
  /** Volumes that they have got so far. No event tells of it, so that a restart of this service forgets it. */
  private readonly held = new Map<string, Set<string>>();
  /** Volumes that containers which are there are about to have: until an event tells what came of it, or `release`, or that time. */
  private readonly wanted = new Map<string, { readonly volumes: Set<string>; readonly until: number }>();
  /** Volumes that a container has once an edit or a restore is done that is under way. */
  private readonly intended = new Map<string, readonly string[]>();
  /** Containers that were removed and may come back with the volumes that went with them; and those of its volumes that did not. */
  private readonly kept = new Map<string, readonly string[]>();
  /** What containers that run will refer to when they start again, where it was edited: until then they refer to both. */
  private readonly atNextStart = new Map<string, readonly string[]>();
  private readonly anonymous = new Map<string, readonly string[]>();
  /** Volumes whose last user did not take them along. */
  private readonly left = new Set<string>();
  private readonly fold: Fold;

  constructor(
    private readonly store: EventStore,
    snapshotPath: string,
    /** Told of each container that was given up before it came to be, from `start` on. */
    private readonly onGivenUp: (container: string) => void,
  ) {
    this.fold = new Fold(store, {
      filters: ['berth.event.container.>', 'berth.event.name.>', 'berth.event.volume.>'],
      see: (commit, live) => {
        for (const event of commit.events as readonly unknown[] as readonly (ContainerEvent | NameEvent | VolumeEvent)[]) this.see(event, live); // only the containers service may write these subjects, and this one
      },
      snapshot: { path: snapshotPath, fold: '6', freeze: () => this.freeze(), thaw: (frozen) => this.thaw(frozen as Frozen) },
    });
  }

  start(): Promise<void> {
    return this.fold.start();
  }

  stop(): Promise<void> {
    return this.fold.stop();
  }

  get position(): number {
    return this.fold.position;
  }

  saveSnapshot(): Promise<void> {
    return this.fold.saveSnapshot();
  }

  /** Until the container is there or given up; one that is so already refers to nothing. It has claimed its name, which may not be folded yet. */
  async hold(volume: string, container: string): Promise<void> {
    if (!this.beingMade.has(container)) await this.catchUp();
    if (this.beingMade.has(container)) this.held.set(container, (this.held.get(container) ?? new Set()).add(volume));
  }

  /** By a container that is there, or comes back. What became of its edits before is folded then: it releases none of these. */
  async want(volume: string, container: string): Promise<void> {
    await this.catchUp();
    const volumes = this.wanted.get(container)?.volumes ?? new Set();
    this.wanted.set(container, { volumes: volumes.add(volume), until: performance.now() + LIMIT_MS });
  }

  /** What the container has by now, if anything, is on the log: resolves to the position up to which it is folded. */
  async release(container: string): Promise<number> {
    const position = await this.catchUp();
    this.wanted.delete(container);
    return position;
  }

  of(volume: string): readonly string[] {
    for (const [container, { until }] of this.wanted) if (until <= performance.now()) this.wanted.delete(container);
    const holders = [...this.held].flatMap(([container, volumes]) => (volumes.has(volume) ? [container] : []));
    const wanting = [...this.wanted].flatMap(([container, { volumes }]) => (volumes.has(volume) ? [container] : []));
    const intending = [...this.intended].flatMap(([container, volumes]) => (volumes.includes(volume) ? [container] : []));
    return [...new Set([...(this.users.get(volume) ?? []), ...holders, ...wanting, ...intending])];
  }

  /** The same, of all that is on the log now: whoever was told that a container is removed may remove its volumes. */
  async newest(volume: string): Promise<readonly string[]> {
    if (this.of(volume).length > 0) await this.catchUp();
    return this.of(volume);
  }

  /** Resolves to the log's position once all up to there is folded. */
  async catchUp(): Promise<number> {
    const position = await this.store.lastPosition();
    await this.fold.waitFor(position);
    return position;
  }

  /** Whether a container, for which an anonymous volume was made, never came to be or was removed with its volumes. */
  hasLeft(container: string): boolean {
    return !this.keepers.has(container) && !this.beingMade.has(container);
  }

  /** Whether the last container that had the volume went without it, whoever it was made for: then it is there until somebody removes it. */
  isLeft(volume: string): boolean {
    return this.left.has(volume);
  }

  /** Whether a container that was removed may come back. */
  isKept(container: string): boolean {
    return this.kept.has(container);
  }

  private see(event: ContainerEvent | NameEvent | VolumeEvent, live: boolean): void {
    if (event.type === 'VolumeRemoved') this.left.delete(event.name);
    if (event.type === 'VolumeCreated' || event.type === 'VolumeRemoved' || event.type === 'VolumeRestored') return;
    if (event.type === 'EditRequested' || event.type === 'EditFailed' || event.type === 'ContainerEdited' || event.type === 'RestoreRequested') this.wanted.delete(event.container);
    if (event.type === 'NameClaimed') this.beingMade.add(event.container);
    else if (event.type === 'NameReleased') {
      this.held.delete(event.container);
      if (this.beingMade.delete(event.container) && live) this.onGivenUp(event.container);
    } else if (event.type === 'ContainerCreated' || event.type === 'ContainerRestored') {
      this.beingMade.delete(event.container);
      this.held.delete(event.container);
      this.kept.delete(event.container);
      this.intended.delete(event.container);
      const volumes = this.volumesOf(event);
      if (volumes.length > 0) this.refer(event.container, volumes);
      if (event.mounts.some(({ anonymous }) => anonymous)) this.keepers.add(event.container);
    } else if (event.type === 'EditRequested') {
      this.intended.set(event.container, event.mounts.flatMap(({ name }) => (name ? [name] : [])));
    } else if (event.type === 'EditFailed' || event.type === 'RestoreFailed') {
      this.intended.delete(event.container);
    } else if (event.type === 'RestoreRequested') {
      this.intended.set(event.container, this.kept.get(event.container) ?? []);
    } else if (event.type === 'ContainerEdited') {
      this.intended.delete(event.container);
      const waits = event.pending.includes('mounts') || this.atNextStart.has(event.container);
      const mounted = this.mounted.get(event.container) ?? [];
      const volumes = this.volumesOf(event);
      this.leave(event.container);
      this.refer(event.container, waits ? [...new Set([...mounted, ...volumes])] : volumes);
      if (waits) this.atNextStart.set(event.container, volumes);
    } else if (event.type === 'StartRequested' || event.type === 'ContainerExited') {
      const volumes = this.atNextStart.get(event.container);
      if (volumes === undefined) return;
      this.leave(event.container);
      this.refer(event.container, volumes);
    } else if (event.type === 'RemoveRequested' && event.volumes) {
      this.keepers.delete(event.container);
    } else if (event.type === 'ContainerDiscarded') {
      this.kept.delete(event.container);
    } else if (event.type === 'ContainerRemoved') {
      const own = this.keepers.has(event.container) ? [] : (this.anonymous.get(event.container) ?? []);
      const mounted = this.mounted.get(event.container) ?? [];
      this.intended.delete(event.container);
      this.leave(event.container, own);
      // What others have does not go along.
      if (event.keptUntil !== undefined) this.kept.set(event.container, mounted.filter((name) => !own.includes(name) || this.users.has(name)));
      this.anonymous.delete(event.container);
    }
  }

  /** What it mounts, and its anonymous volumes that an edit took away: nobody else has their names, and an earlier version has them mounted. */
  private volumesOf({ container, mounts }: Pick<Extract<ContainerEvent, { type: 'ContainerCreated' }>, 'container' | 'mounts'>): readonly string[] {
    const own = mounts.flatMap(({ name, anonymous }) => (name && anonymous ? [name] : []));
    const anonymous = [...new Set([...(this.anonymous.get(container) ?? []), ...own])];
    if (anonymous.length > 0) this.anonymous.set(container, anonymous);
    return [...new Set([...mounts.flatMap(({ name }) => (name ? [name] : [])), ...anonymous])];
  }

  private leave(container: string, takenAlong: readonly string[] = []): void {
    for (const name of this.mounted.get(container) ?? []) {
      const users = this.users.get(name);
      users?.delete(container);
      if (users?.size !== 0) continue;
      this.users.delete(name);
      if (takenAlong.includes(name)) this.left.delete(name);
      else this.left.add(name);
    }
    this.mounted.delete(container);
    this.atNextStart.delete(container);
  }

  private refer(container: string, volumes: readonly string[]): void {
    this.mounted.set(container, volumes);
    for (const name of volumes) this.users.set(name, (this.users.get(name) ?? new Set()).add(container));
  }

  private freeze(): Frozen {
    return { mounted: [...this.mounted], keepers: [...this.keepers], beingMade: [...this.beingMade], kept: [...this.kept], intended: [...this.intended], atNextStart: [...this.atNextStart], anonymous: [...this.anonymous], left: [...this.left] };
  }

  private thaw({ mounted, keepers, beingMade, kept, intended, atNextStart, anonymous, left }: Frozen): void {
    for (const [container, volumes] of mounted) this.refer(container, volumes);
    for (const volume of left) this.left.add(volume);
    for (const container of keepers) this.keepers.add(container);
    for (const container of beingMade) this.beingMade.add(container);
    for (const [container, volumes] of kept) this.kept.set(container, volumes);
    for (const [container, volumes] of intended) this.intended.set(container, volumes);
    for (const [container, volumes] of anonymous) this.anonymous.set(container, volumes);
    for (const [container, volumes] of atNextStart) this.atNextStart.set(container, volumes);
  }
}
