import { DiscardKept, GetKept, RestoreContainerFiles } from '#contracts/executor/kept.js';
import { GetImage, HoldImage, ReleaseImage } from '#contracts/images/images.js';
import type { ContainerRestored, RemovedContainer, RestoreContainer } from '#contracts/containers/undo.js';
import type { DiscardReason } from '#contracts/containers/events.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { GetVolume, RemoveVolume, RestoreVolume } from '#contracts/volumes/volumes.js';
import { BerthError, conflict, errorMessage, invalid, notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { isPresent, type KeptContainer } from '../../domain/container/container-state.js';
import { checkContainerName } from '../../domain/name/container-name.js';
import { containerView } from '../../domain/container-view.js';
import type { ContainerDirectory, Containers, Names } from '../names/container-directory.js';
import type { ContainerRemovals } from '../lifecycle/container-removals.js';
import { holdVolume, withVolumesHeld } from '../definition/held-volumes.js';
import type { NameClaims } from '../names/name-claims.js';

/** An executor that was killed is back by then. All that is asked here is the same when given twice. */
const AGAIN = { timeoutMs: 60_000, askAgainMs: 500 };

/** A service that ends before it answers holds nothing. */
const HOLD = { askAgainMs: Infinity };

/**
 * Containers that were removed and can come back. A restore claims the name, looks whether all is still to be had, and appends its intent; from there on it goes forward:
 * volumes, then the container's files, then that it is there. Entered again after a crash, it finds what it had done. Where a step is refused, and not only late, it is given up: the
 * container is kept as before, with what was back of it, and can be asked for again.
 */
export class KeptContainers {
  private readonly restores = new Map<string, Promise<ContainerRestored>>();
  private readonly discards = new Map<string, Promise<unknown>>();

  constructor(
    private readonly containers: Containers,
    private readonly names: Names,
    private readonly claims: Pick<NameClaims, 'inTurn' | 'take' | 'giveBack' | 'abandon'>,
    private readonly directory: ContainerDirectory,
    private readonly removals: Pick<ContainerRemovals, 'settled'>,
    private readonly bus: Bus,
    private readonly dataRoot: string,
  ) {}

  /** The one removed last first. */
  all(): KeptContainer[] {
    const kept = Array.from(this.containers.entries(), ([, state]) => state).filter((state): state is KeptContainer => state.status === 'kept' || state.status === 'restoring');
    return kept.sort((one, other) => (one.removedAt < other.removedAt ? 1 : -1));
  }

  list(): { removed: readonly RemovedContainer[]; position: number } {
    const removed = this.all().map(({ before, removedAt, until }) => ({ container: containerView(before, [], this.dataRoot), removedAt, until }));
    return { removed, position: this.containers.position };
  }

  async restore({ container: reference, name: wanted }: Pick<RestoreContainer, 'container' | 'name'>, asked: RequestContext): Promise<ContainerRestored> {
    const back = this.directory.tryFind(reference);
    if (back !== undefined && asked.idempotencyKey !== undefined && (await this.containers.wasDone(back.spec.id, 'Restore', asked.idempotencyKey))) return { id: back.spec.id, name: back.spec.name, position: this.containers.position };
    const kept = this.find(reference);
    const { id, name: before } = kept.before.spec;
    const name = wanted?.replace(/^\//, '') || before;
    checkContainerName(name);
    if (kept.status === 'restoring') return this.finishRestore(id, asked);
    // Its volumes may be on their way out yet.
    await this.removals.settled(id);
    // So may what a restore before, which has failed, had brought back.
    await this.restores.get(id)?.catch(() => undefined);
    const begin = async (): Promise<void> => {
      await this.claim(name, id, asked);
      const { repeated } = await this.containers.execute(id, { type: 'Restore', name, at: now() }, asked).catch(async (error: unknown) => {
        await this.claims.abandon(name, id, error, asked);
        throw error;
      });
      if (repeated) await this.claims.giveBack(name, id, asked); // it may have gone again since
    };
    await this.claims.inTurn(id, () => withVolumesHeld(this.bus, id, kept.before.spec.mounts, asked, () => this.check(kept, asked), begin).finally(() => this.releaseImage(id, asked)));
    return asked.dryRun ? { id, name, position: 0 } : this.finishRestore(id, asked);
  }

  /** The part of a restore behind its intent: one at a time for a container, however many ask. */
  private finishRestore(id: string, asked: RequestContext): Promise<ContainerRestored> {
    const running = this.restores.get(id);
    if (running) return running;
    const restore = this.putBack(id, asked).finally(() => this.restores.delete(id));
    this.restores.set(id, restore);
    return restore;
  }

  /** The same for whoever does not wait for what comes of it: nothing is left to be done where it was given up. */
  async goOnRestoring(id: string, asked: RequestContext): Promise<void> {
    if (this.containers.get(id).state.status === 'restoring') await this.finishRestore(id, asked);
  }

  /** Deletes for good, if it is still kept. Its files follow the event: what a crash leaves of them is swept at the next start. */
  async discard(id: string, reason: DiscardReason, asked: RequestContext): Promise<Done> {
    await this.removals.settled(id);
    const { events, position } = await this.containers.execute(id, { type: 'Discard', reason, at: now() }, asked);
    if (!asked.dryRun && events.length > 0) await this.discardFiles(id, asked);
    return { position };
  }

  /** The part of a discard behind its event: one at a time for a container, however many ask. */
  discardFiles(id: string, asked: RequestContext): Promise<unknown> {
    const running = this.discards.get(id);
    if (running) return running;
    const discard = this.bus.request(DiscardKept, { container: id }, asked, AGAIN).finally(() => this.discards.delete(id));
    this.discards.set(id, discard);
    return discard;
  }

  find(reference: string): KeptContainer {
    const all = this.all();
    const bare = reference.replace(/^\//, '');
    const exact = all.find(({ before: { spec } }) => spec.id === bare || spec.name === bare);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(bare) ? all.filter(({ before: { spec } }) => spec.id.startsWith(bare)) : [];
    if (matches.length > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    if (matches[0]) return matches[0];
    if (this.directory.tryFind(reference)) throw conflict(`container ${reference} was not removed: there is nothing to undo`);
    throw notFound(`No such container: nothing is kept of "${reference}"`);
  }

  /** What cannot be made good behind the intent; its image and volumes that are there stay so. */
  private async check({ before }: KeptContainer, asked: RequestContext): Promise<void> {
    const { spec, run } = before;
    const cannot = (why: string): BerthError => conflict(`cannot restore container "${spec.name}": ${why}`);
    const kept = await this.bus.request(GetKept, { container: spec.id }, asked, AGAIN);
    if (run.start > 0 && !kept.files && (await this.hasRun(spec.id))) throw cannot('its files are gone');
    const image = { image: spec.imageId };
    await (asked.dryRun ? this.bus.request(GetImage, image, asked) : this.bus.request(HoldImage, { ...image, container: spec.id }, asked, HOLD)).catch((error: unknown) => {
      throw isNotFound(error) ? cannot(`its image ${spec.imageRef} (${spec.imageId}) was removed: get it back first`) : error;
    });
    for (const name of kept.volumes) {
      if (await this.isThere(name, asked)) throw cannot(`a volume ${name} was made since: remove it first (docker volume rm ${name})`);
    }
    for (const { name } of spec.mounts) {
      if (name === undefined || kept.volumes.includes(name)) continue;
      await holdVolume(this.bus, { name, container: spec.id }, asked).catch((error: unknown) => {
        throw isNotFound(error) ? cannot(`its volume ${name} was removed: create it first (docker volume create ${name})`) : error;
      });
    }
  }

  /** A start that fails before the executor hears of it, as for a port that is taken, makes no files. */
  private async hasRun(id: string): Promise<boolean> {
    let hasRun = false;
    await this.containers.eachState(id, (state) => (hasRun ||= isPresent(state) && state.run.startedAt !== ''));
    return hasRun;
  }

  /** Once the log has its intent, that tells. Nobody waits for it. */
  private releaseImage(container: string, asked: RequestContext): void {
    if (!asked.dryRun) void this.bus.request(ReleaseImage, { container }, asked).catch(() => undefined);
  }

  private async isThere(volume: string, asked: RequestContext): Promise<boolean> {
    const found = await this.bus.request(GetVolume, { name: volume }, asked).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    return found !== undefined;
  }

  private async claim(name: string, container: string, asked: RequestContext): Promise<void> {
    try {
      await this.claims.take(name, container, asked);
    } catch (error) {
      if (!(error instanceof BerthError) || error.kind !== 'conflict') throw error;
      const { holder } = this.names.get(name).state;
      throw conflict(`cannot restore container "${name}": the name is in use by container "${holder}": restore it under another (berth undo ${container.slice(0, 12)} --name NEW)`);
    }
  }

  private async putBack(id: string, asked: RequestContext): Promise<ContainerRestored> {
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    const { state } = this.containers.get(id);
    if (state.status === 'restoring') {
      const volumesBack: string[] = [];
      await this.putAllBack(id, state.name, volumesBack, cause).catch(async (error: unknown) => {
        // A service that is away, or slow, is asked again.
        if (!isUnavailable(error)) await this.giveUp(id, state.name, volumesBack, error, cause);
        throw error;
      });
    }
    const back = this.directory.get(id);
    if (back === undefined) throw this.containers.get(id).state.status === 'kept' ? conflict(`container ${id} could not be restored: it is kept as before`) : notFound(`No such container: ${id}`);
    return { id, name: back.spec.name, position: this.containers.position };
  }

  /** `volumesBack`: those that are. */
  private async putAllBack(id: string, name: string, volumesBack: string[], cause: RequestContext): Promise<void> {
    // From here on nothing is put aside any more; what was at it while the intent was appended may have released the name.
    await this.removals.settled(id);
    await this.claim(name, id, cause);
    const { volumes } = await this.bus.request(GetKept, { container: id }, cause, AGAIN);
    for (const volume of volumes) {
      await this.bus.request(RestoreVolume, { name: volume, container: id }, cause, AGAIN);
      volumesBack.push(volume);
    }
    await this.bus.request(RestoreContainerFiles, { container: id }, cause, AGAIN);
    await this.containers.execute(id, { type: 'RecordRestored', at: now() }, cause);
  }

  /** What an engine that dies over it leaves is given back by the next one's start, as whatever is of nobody. */
  private async giveUp(id: string, name: string, volumesBack: readonly string[], reason: unknown, cause: RequestContext): Promise<void> {
    await this.containers.execute(id, { type: 'RecordRestoreFailed', error: errorMessage(reason), at: now() }, cause);
    await this.claims.inTurn(id, () => this.claims.giveBack(name, id, cause));
    for (const volume of volumesBack) await this.bus.request(RemoveVolume, { name: volume, force: true, removedWith: id, keptFor: id }, cause, AGAIN).catch(() => undefined);
  }
}

const isUnavailable = (error: unknown): boolean => error instanceof BerthError && error.kind === 'unavailable';
const isNotFound = (error: unknown): boolean => error instanceof BerthError && error.kind === 'not-found';
const now = (): string => new Date().toISOString();
