import { RestoreVolumeDirectory } from '#contracts/executor/kept.js';
import { EnsureVolumeDirectory, ListVolumeDirectories, RemoveVolumeDirectory } from '#contracts/executor/host.js';
import type { Done, RequestContext } from '#contracts/request.js';
import type { CreateVolume, RemoveVolume, RestoreVolume, VolumeEvent, VolumeView } from '#contracts/volumes/volumes.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import { conflict, notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { type Volume, type VolumeCommand, volumeDecider } from '../domain/volume/volume-decider.js';
import type { VolumeReferences } from './volume-references.js';

export type VolumeAggregates = Aggregates<Volume, VolumeCommand, VolumeEvent>;
type Present = Extract<Volume, { status: 'present' }>;

/** The executor may be about to come back. */
const AGAIN = { askAgainMs: 500 };
const VOLUMES: RequestContext = { actor: 'service:volumes', correlationId: 'recovery', causationId: 'recovery' };

/** Named and anonymous volumes of the local driver: a directory each, made by the executor. */
export class Volumes {
  private readonly reconciled = Promise.withResolvers<void>();

  constructor(
    private readonly volumes: VolumeAggregates,
    private readonly bus: Bus,
    private readonly dataRoot: string,
    private readonly references: VolumeReferences,
  ) {}

  async create(command: CreateVolume, asked: RequestContext): Promise<VolumeView & Done & { created: boolean }> {
    const name = command.name || keyedId('volume', asked.idempotencyKey);
    const wish = { type: 'Create', name, driver: command.driver || 'local', labels: command.labels ?? {}, options: command.options ?? {}, anonymous: !command.name, ...(command.container ? { container: command.container } : {}), at: new Date().toISOString() } as const;
    const { events, position } = await this.volumes.execute(name, wish, asked);
    if (!asked.dryRun) {
      await this.reconciled.promise;
      await this.bus.request(EnsureVolumeDirectory, { name }, asked, AGAIN);
    }
    const { anonymous, driver, labels, options, at } = wish;
    const state: Volume = asked.dryRun ? { status: 'present', name, driver, labels, options, anonymous, createdAt: at } : this.volumes.get(name).state;
    return { ...this.view(present(state, name)), position, created: events.length > 0 };
  }

  async remove(command: Pick<RemoveVolume, 'name' | 'force' | 'keptFor'>, asked: RequestContext): Promise<Done> {
    const { name, keptFor } = command;
    const kept = keptFor === undefined ? {} : { keptFor };
    if (this.volumes.get(name).state.status === 'absent' && (command.force || (asked.idempotencyKey !== undefined && (await this.volumes.wasDone(name, 'Remove', asked.idempotencyKey))))) return { position: 0 };
    const users = await this.references.newest(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
    const { position } = await this.volumes.execute(name, { type: 'Remove', name, ...kept, at: new Date().toISOString() }, asked);
    if (!asked.dryRun) {
      await this.reconciled.promise;
      await this.bus.request(RemoveVolumeDirectory, { name, ...kept }, asked, AGAIN);
    }
    return { position };
  }

  /** The log tells what the volume was; its files wait with those of the container that it was kept for. */
  async restore({ name, container }: Pick<RestoreVolume, 'name' | 'container'>, asked: RequestContext): Promise<Done> {
    const { state } = this.volumes.get(name);
    if (state.status === 'absent') {
      const history = await this.volumes.history(name);
      const removal = history.at(-1);
      if (removal?.type !== 'VolumeRemoved' || removal.keptFor !== container) throw notFound(`nothing is kept of the volume ${name}`);
      const { status: _present, ...was } = present(history.slice(0, -1).reduce<Volume>(volumeDecider.evolve, volumeDecider.initialState), name);
      await this.volumes.execute(name, { type: 'Restore', name, was, keptFor: container, at: new Date().toISOString() }, asked);
    }
    await this.reconciled.promise;
    await this.bus.request(RestoreVolumeDirectory, { name, container }, asked, AGAIN);
    return { position: this.volumes.position };
  }

  get(name: string): VolumeView {
    return this.view(present(this.volumes.get(name).state, name));
  }

  list(): { volumes: readonly VolumeView[]; position: number } {
    const all = Array.from(this.volumes.entries(), ([, volume]) => volume).filter((volume): volume is Present => volume.status === 'present');
    return { volumes: all.map((volume) => this.view(volume)), position: this.volumes.position };
  }

  /** After a restart: what was cut short between a commit and its effect on the disk is finished. Commands wait for it. Rejects while the executor is down. */
  async reconcile(): Promise<void> {
    for (const { name, ...kept } of this.ofNobody()) await this.volumes.execute(name, { type: 'Remove', name, ...kept, at: new Date().toISOString() }, VOLUMES);
    const { whole, half } = await this.bus.request(ListVolumeDirectories, {}, VOLUMES);
    // A directory that the log does not know stays: data goes only when the log says so.
    for (const name of [...whole, ...half]) {
      if (this.volumes.get(name).state.status !== 'absent') continue;
      const removal = (await this.volumes.history(name)).at(-1);
      if (removal?.type === 'VolumeRemoved') await this.bus.request(RemoveVolumeDirectory, { name, ...(removal.keptFor !== undefined && this.references.isKept(removal.keptFor) ? { keptFor: removal.keptFor } : {}) }, VOLUMES);
    }
    const complete = new Set(whole);
    for (const [name, volume] of this.volumes.entries()) {
      if (volume.status === 'absent' || complete.has(name)) continue;
      if (volume.keptFor === undefined) await this.bus.request(EnsureVolumeDirectory, { name }, VOLUMES);
      else await this.bus.request(RestoreVolumeDirectory, { name, container: volume.keptFor }, VOLUMES);
    }
    this.reconciled.resolve();
  }

  /** What was made for a container that was given up while this service was away, or whose maker died. */
  async removeVolumesOf(container: string): Promise<void> {
    for (const volume of this.ofNobody(container)) await this.remove({ ...volume, force: true }, VOLUMES);
  }

  /** Anonymous volumes whose container never came to be, or was removed with them; of one container where it is given. */
  private ofNobody(container?: string): { name: string; keptFor?: string }[] {
    const left = ([name, volume]: readonly [string, Volume]): boolean => {
      if (volume.status === 'absent' || !volume.container || (container !== undefined && volume.container !== container)) return false;
      return this.references.of(name).length === 0 && this.references.hasLeft(volume.container);
    };
    return [...this.volumes.entries()].filter(left).map(([name, volume]) => {
      const maker = volume.status === 'absent' ? undefined : volume.container;
      return { name, ...(maker !== undefined && this.references.isKept(maker) ? { keptFor: maker } : {}) };
    });
  }

  private view(volume: Present): VolumeView {
    const { name, driver, createdAt, labels, options, anonymous } = volume;
    return { name, driver, mountpoint: `${this.dataRoot}/volumes/${name}/_data`, createdAt, labels, options, anonymous };
  }
}

function present(volume: Volume, name: string): Present {
  if (volume.status === 'absent') throw notFound(`get ${name}: no such volume`);
  return volume;
}
