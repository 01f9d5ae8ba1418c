import { EnsureVolumeDirectory, RemoveVolumeDirectory } from '#contracts/executor/host.js';
import { RestoreVolumeDirectory } from '#contracts/executor/kept.js';
import type { RequestContext } from '#contracts/request.js';
import type { VolumeEvent } from '#contracts/volumes/volumes.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { Volume, VolumeCommand } from '../domain/volume/volume-decider.js';
import type { VolumeReferences } from './volume-references.js';

export type VolumeAggregates = Aggregates<Volume, VolumeCommand, VolumeEvent>;

type Named<Type extends VolumeEvent['type'], Also extends string = never> = Pick<Extract<VolumeEvent, { type: Type }>, 'type' | 'name' | (Also & keyof Extract<VolumeEvent, { type: Type }>)>;
/** What an event means on the disk. */
export type DirectoryChange = Named<'VolumeCreated'> | Named<'VolumeRemoved', 'keptFor'> | Named<'VolumeRestored', 'keptFor'>;

/** The executor may be about to come back. */
const AGAIN = { askAgainMs: 500 };

/** What is on the log of volumes comes to be on the disk, by the executor: of one volume in the log's order, so that no volume is given the files of one that is gone. */
export class VolumeDirectories {
  private readonly reconciled = Promise.withResolvers<void>();
  private readonly turns = new Map<string, Promise<unknown>>();
  /** By volume, what is on the log, and on the disk perhaps not. */
  private readonly undone = new Map<string, DirectoryChange[]>();
  private unlisten: () => void = () => undefined;

  constructor(
    private readonly volumes: VolumeAggregates,
    private readonly bus: Bus,
    private readonly references: Pick<VolumeReferences, 'isKept' | 'catchUp'>,
  ) {}

  start(): void {
    this.unlisten = this.volumes.onCommit((name, { events }, _volume, live) => {
      if (live) this.undone.set(name, [...(this.undone.get(name) ?? []), ...events]);
    });
  }

  stop(): void {
    this.unlisten();
  }

  /** From now on what was there before does not get in the way of what comes, but for volumes of which something is left to do: that comes first. */
  open(left: readonly DirectoryChange[]): void {
    for (const change of left) this.undone.set(change.name, [change, ...(this.undone.get(change.name) ?? [])]);
    this.reconciled.resolve();
  }

  /** One command to a volume at a time, with what it does on the disk. */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.turns.get(name) ?? Promise.resolve()).then(work, work);
    this.turns.set(name, turn);
    const done = (): void => {
      if (this.turns.get(name) === turn) this.turns.delete(name);
    };
    turn.then(done, done);
    return turn;
  }

  /** Volumes of which something is undone. */
  get behind(): Iterable<string> {
    return this.undone.keys();
  }

  /** In the volume's turn. Rejects while the executor is down; what is undone then stays so. */
  async catchUp(name: string, asked: RequestContext): Promise<void> {
    await this.reconciled.promise;
    for (let undone; (undone = this.undone.get(name)); ) {
      const [event, ...later] = undone;
      // What was removed again needs no directory.
      if (event !== undefined && (event.type !== 'VolumeCreated' || later.length === 0)) await this.carryOut(event, asked);
      this.did(name, event);
    }
  }

  /** In its turn, of a volume that is there and has caught up: most often nothing happens. */
  async ensure(name: string, asked: RequestContext): Promise<void> {
    await this.bus.request(EnsureVolumeDirectory, { name }, asked, AGAIN);
  }

  /** The same; where its files are no longer kept, nothing happens. */
  async restore(name: string, container: string, asked: RequestContext): Promise<void> {
    await this.bus.request(RestoreVolumeDirectory, { name, container }, asked, AGAIN);
  }

  /** The volume's files stay though it was removed. */
  spare(name: string): void {
    this.undone.set(name, (this.undone.get(name) ?? []).filter(({ type }) => type !== 'VolumeRemoved'));
  }

  /** In the volume's turn, or before `open`. Rejects as unavailable while the executor is down. */
  async carryOut(change: DirectoryChange, asked: RequestContext): Promise<void> {
    const { name } = change;
    if (change.type === 'VolumeCreated') return this.ensure(name, asked);
    if (change.type === 'VolumeRestored') return this.restore(name, change.keptFor, asked);
    const { keptFor } = change;
    await this.bus.request(RemoveVolumeDirectory, { name, ...(keptFor !== undefined && (await this.mayComeBack(keptFor)) ? { keptFor } : {}) }, asked, AGAIN);
  }

  /** Of one that was let go for good meanwhile nobody would ever let go of what was put aside now. */
  private async mayComeBack(container: string): Promise<boolean> {
    if (!this.references.isKept(container)) await this.references.catchUp();
    return this.references.isKept(container);
  }

  private did(name: string, event: DirectoryChange | undefined): void {
    const left = (this.undone.get(name) ?? []).filter((other) => other !== event);
    if (left.length > 0) this.undone.set(name, left);
    else this.undone.delete(name);
  }
}
