import { ListVolumeDirectories } from '#contracts/executor/host.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { ANONYMOUS_VOLUME_LABEL, type CreateVolume, type HoldVolume, type RemoveVolume, type RestoreVolume, type VolumeView } from '#contracts/volumes/volumes.js';
import { BerthError, cameToNothing, conflict, notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import { type Volume, volumeDecider } from '../domain/volume/volume-decider.js';
import type { DirectoryChange, VolumeAggregates, VolumeDirectories } from './volume-directories.js';
import type { VolumeReferences } from './volume-references.js';

type Present = Extract<Volume, { status: 'present' }>;

/** Somebody has to look after a volume that the disk does not let go of. */
const LONGEST_PAUSE_MS = 60_000;

const VOLUMES: RequestContext = { actor: 'service:volumes', correlationId: 'recovery', causationId: 'recovery' };

/**
 * Named and anonymous volumes of the local driver: a directory each, made by the executor. The log may take a commit long after its command was told that it did not answer: what it
 * says then is looked at with care, and done.
 */
export class Volumes {
  /** Something happened to them that no command here goes on with, or did not where it should have. */
  private readonly unsettled = new Set<string>();
  /** Whose turn comes again and again until they are. */
  private readonly settling = new Set<string>();
  /** Their removal may be on the log yet: their next commit tells, since the log takes nothing any more that was decided before it. */
  private readonly perhapsRemoved = new Set<string>();
  private readonly stopping = new AbortController();
  private unlisten: (() => void)[] = [];

  constructor(
    private readonly volumes: VolumeAggregates,
    private readonly directories: VolumeDirectories,
    private readonly bus: Bus,
    private readonly dataRoot: string,
    private readonly references: VolumeReferences,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.unlisten = [this.volumes.onCommit((name) => void this.perhapsRemoved.delete(name)), this.volumes.onUnanswered((name) => this.settleSoon(name))];
  }

  stop(): void {
    this.stopping.abort();
    for (const unlisten of this.unlisten) unlisten();
  }

  create(command: CreateVolume, asked: RequestContext): Promise<VolumeView & Done & { created: boolean }> {
    const name = command.name || keyedId('volume', asked.idempotencyKey);
    return this.directories.inTurn(name, async () => {
      const at = new Date().toISOString();
      const wish = { type: 'Create', name, driver: command.driver || 'local', labels: command.labels ?? {}, options: command.options ?? {}, anonymous: !command.name, ...(command.container ? { container: command.container } : {}), at } as const;
      if (!asked.dryRun) {
        if (command.heldFor !== undefined) await this.references.hold(name, command.heldFor);
        if (command.wantedBy !== undefined) await this.references.want(name, command.wantedBy);
        await this.confirm(name, asked);
      }
      const { idempotencyKey: _key, ...anew } = asked;
      // A container that came to nothing took its volumes with it: the same request needs them anew.
      const { events, position, repeated } = await this.volumes.execute(name, wish, command.container ?? command.heldFor ?? command.wantedBy ? anew : asked);
      const { anonymous, driver, labels, options } = wish;
      const wasRemoved = repeated === true && this.volumes.get(name).state.status === 'absent';
      const state: Volume = asked.dryRun || wasRemoved ? { status: 'present', name, driver, labels, options, anonymous, createdAt: at } : this.volumes.get(name).state;
      const view = this.view(present(state, name));
      if (!asked.dryRun && !wasRemoved)
        await this.onDisk(name, async () => {
          await this.directories.catchUp(name, asked);
          if (events.length === 0 || repeated) await this.directories.ensure(name, asked);
        });
      return { ...view, position, created: events.length > 0 };
    });
  }

  remove(command: Pick<RemoveVolume, 'name' | 'force' | 'removedWith' | 'keptFor'>, asked: RequestContext): Promise<Done> {
    const { name, keptFor } = command;
    return this.directories.inTurn(name, async () => {
      if (this.volumes.get(name).state.status === 'absent' && (command.force || (asked.idempotencyKey !== undefined && (await this.volumes.wasDone(name, 'Remove', asked.idempotencyKey))))) return { position: 0 };
      const users = (await this.references.newest(name)).filter((user) => !asked.dryRun || user !== command.removedWith);
      if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
      if (command.removedWith !== undefined && !(await this.mayGoAlong(name))) throw conflict(`remove ${name}: it is not the container's any more`);
      const { position } = await this.volumes.execute(name, { type: 'Remove', name, ...(keptFor === undefined ? {} : { keptFor }), at: new Date().toISOString() }, asked).catch((error: unknown) => {
        if (!cameToNothing(error)) this.perhapsRemoved.add(name);
        // Of nobody, it goes though whoever asked for it does not ask again.
        if (isUnavailable(error)) this.settleSoon(name);
        throw error;
      });
      if (!asked.dryRun) await this.onDisk(name, () => this.directories.catchUp(name, asked));
      return { position };
    });
  }

  /** The log tells what the volume was; its files wait with those of the container that it was kept for. */
  restore({ name, container }: Pick<RestoreVolume, 'name' | 'container'>, asked: RequestContext): Promise<Done> {
    return this.directories.inTurn(name, async () => {
      await this.settle(name, asked);
      const { state } = this.volumes.get(name);
      if (state.status === 'present' && state.keptFor !== container) throw conflict(`a volume ${name} was made since the one that is kept was removed`);
      if (state.status === 'absent') {
        const history = await this.volumes.history(name);
        // Others may have had its name since.
        const removal = history.findLastIndex((event) => event.type === 'VolumeRemoved' && event.keptFor === container);
        if (removal < 0) throw notFound(`nothing is kept of the volume ${name}`);
        const { status: _present, ...was } = present(history.slice(0, removal).reduce<Volume>(volumeDecider.evolve, volumeDecider.initialState), name);
        await this.volumes.execute(name, { type: 'Restore', name, was, keptFor: container, at: new Date().toISOString() }, asked);
      }
      await this.onDisk(name, () => (state.status === 'absent' ? this.directories.catchUp(name, asked) : this.directories.restore(name, container, asked)));
      return { position: this.volumes.position };
    });
  }

  async hold({ name, container, beingMade = false }: Pick<HoldVolume, 'name' | 'container' | 'beingMade'>, asked: RequestContext): Promise<VolumeView> {
    return this.directories.inTurn(name, async () => {
      this.get(name);
      await (beingMade ? this.references.hold(name, container) : this.references.want(name, container));
      await this.confirm(name, asked);
      return this.get(name);
    });
  }

  async release(container: string): Promise<Done> {
    return { position: await this.references.release(container) };
  }

  get(name: string): VolumeView {
    return this.view(present(this.volumes.get(name).state, name));
  }

  list(): { volumes: readonly VolumeView[]; position: number } {
    const all = Array.from(this.volumes.entries(), ([, volume]) => volume).filter((volume): volume is Present => volume.status === 'present');
    return { volumes: all.map((volume) => this.view(volume)), position: this.volumes.position };
  }

  /**
   * After a restart: what was cut short between a commit and its effect on the disk is finished. Commands wait for it; where it cannot be done now, those to that volume alone. Rejects while the
   * executor is down.
   */
  async reconcile(): Promise<void> {
    for (const { name, ...kept } of this.ofNobody()) await this.volumes.execute(name, { type: 'Remove', name, ...kept, at: new Date().toISOString() }, VOLUMES);
    const { whole, half } = await this.bus.request(ListVolumeDirectories, {}, VOLUMES);
    const left: DirectoryChange[] = [];
    let isSilent = false;
    // An executor that has gone since, or is slow with one volume, holds back this volume and the ones after it, and no others.
    const finish = async (change: DirectoryChange): Promise<void> => {
      if (isSilent) return void left.push(change);
      await this.directories.carryOut(change, VOLUMES).catch((error: unknown) => {
        isSilent = isUnavailable(error);
        left.push(change);
      });
    };
    // A directory that the log does not know stays: data goes only when the log says so.
    for (const name of [...whole, ...half]) {
      if (this.volumes.get(name).state.status !== 'absent') continue;
      const removal = (await this.volumes.history(name)).at(-1);
      if (removal?.type === 'VolumeRemoved') await finish({ type: 'VolumeRemoved', name, ...(removal.keptFor !== undefined && this.references.isKept(removal.keptFor) ? { keptFor: removal.keptFor } : {}) });
    }
    const complete = new Set(whole);
    for (const [name, volume] of this.volumes.entries()) {
      if (volume.status === 'absent' || complete.has(name)) continue;
      await finish(volume.keptFor === undefined ? { type: 'VolumeCreated', name } : { type: 'VolumeRestored', name, keptFor: volume.keptFor });
    }
    this.directories.open(left);
    for (const name of this.directories.behind) this.settleSoon(name);
  }

  /** What was made for a container that was given up while this service was away, or whose maker died. */
  removeVolumesOf(container: string): void {
    const remove = async (): Promise<void> => {
      await this.volumes.waitFor(await this.references.catchUp());
      for (const volume of this.ofNobody(({ container: maker }) => maker === container)) await this.remove({ ...volume, force: true }, VOLUMES);
    };
    void retryUntilDone(remove, this.stopping.signal, this.onError);
  }

  private settleSoon(name: string): void {
    this.unsettled.add(name);
    if (this.settling.has(name)) return;
    this.settling.add(name);
    void retryUntilDone(() => this.directories.inTurn(name, () => this.settle(name, VOLUMES)), this.stopping.signal, this.onError, LONGEST_PAUSE_MS).then(() => {
      this.settling.delete(name);
      // Since it was looked at last.
      if (this.unsettled.has(name) && !this.stopping.signal.aborted) this.settleSoon(name);
    });
  }

  /** What takes it along may ask again much later, after a crash: another may have had the volume since, and left it, or somebody may have made one of its name. */
  private async mayGoAlong(name: string): Promise<boolean> {
    const { state } = this.volumes.get(name);
    if (state.status === 'present' && !state.anonymous) return false;
    if (this.references.isLeft(name)) await this.references.catchUp();
    return !this.references.isLeft(name);
  }

  /** In its turn: whoever is told that it is there must not lose it to a removal from before. */
  private async confirm(name: string, asked: RequestContext): Promise<void> {
    await this.settle(name, asked);
    if (this.perhapsRemoved.has(name)) await this.volumes.execute(name, { type: 'Confirm', name, at: new Date().toISOString() }, VOLUMES);
  }

  /** In its turn: nothing of before is left to be done. */
  private async settle(name: string, asked: RequestContext): Promise<void> {
    if (this.unsettled.has(name)) {
      await this.lookAgain(name);
      this.unsettled.delete(name);
    }
    await this.directories.catchUp(name, asked);
  }

  /** A removal that came late may have been overtaken by a container that uses the volume; a volume that did may be of a container that has been given up since. */
  private async lookAgain(name: string): Promise<void> {
    await this.volumes.waitFor(await this.references.catchUp());
    const at = new Date().toISOString();
    const history = this.volumes.get(name).state.status === 'absent' && this.references.of(name).length > 0 ? await this.volumes.history(name) : [];
    const was = history.slice(0, -1).reduce<Volume>(volumeDecider.evolve, volumeDecider.initialState);
    if (was.status === 'present') {
      const { driver, labels, options, anonymous, container } = was;
      this.directories.spare(name);
      await this.volumes.execute(name, { type: 'Create', name, driver, labels, options, anonymous, ...(container ? { container } : {}), at }, VOLUMES);
    }
    for (const { name: _name, ...kept } of this.ofNobody((volume) => volume.name === name)) await this.volumes.execute(name, { type: 'Remove', name, ...kept, at }, VOLUMES);
  }

  /** What cannot be done now, since the executor is down or the disk refuses, is done as soon as it can be. */
  private async onDisk(name: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      this.settleSoon(name);
      throw error;
    });
  }

  /** Anonymous volumes whose container never came to be, or was removed with them, and which no other had since; of those that are meant. */
  private ofNobody(isMeant: (volume: Present) => boolean = () => true): { name: string; keptFor?: string }[] {
    const left = ([name, volume]: readonly [string, Volume]): boolean => {
      if (volume.status === 'absent' || !volume.container || !isMeant(volume)) return false;
      return this.references.of(name).length === 0 && this.references.hasLeft(volume.container) && !this.references.isLeft(name);
    };
    return [...this.volumes.entries()].filter(left).map(([name, volume]) => {
      const maker = volume.status === 'absent' ? undefined : volume.container;
      return { name, ...(maker !== undefined && this.references.isKept(maker) ? { keptFor: maker } : {}) };
    });
  }

  private view(volume: Present): VolumeView {
    const { name, driver, createdAt, labels, options, anonymous } = volume;
    return { name, driver, mountpoint: `${this.dataRoot}/volumes/${name}/_data`, createdAt, labels: anonymous ? { ...labels, [ANONYMOUS_VOLUME_LABEL]: '' } : labels, options };
  }
}

const isUnavailable = (error: unknown): boolean => error instanceof BerthError && error.kind === 'unavailable';

function present(volume: Volume, name: string): Present {
  if (volume.status === 'absent') throw notFound(`get ${name}: no such volume`);
  return volume;
}
