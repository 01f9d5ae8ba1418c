import { EnsureVolumeDirectory, ListVolumeDirectories, RemoveVolumeDirectory } from '#contracts/executor/host.js';
import type { Done, RequestContext } from '#contracts/request.js';
import type { CreateVolume, RemoveVolume, VolumeEvent, VolumeView } from '#contracts/volumes/volumes.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import { conflict, notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import type { Volume, VolumeCommand } from '../domain/volume/volume-decider.js';
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

  async remove(command: Pick<RemoveVolume, 'name' | 'force'>, asked: RequestContext): Promise<Done> {
    const { name } = command;
    if (this.volumes.get(name).state.status === 'absent' && (command.force || (asked.idempotencyKey !== undefined && (await this.volumes.wasDone(name, 'Remove', asked.idempotencyKey))))) return { position: 0 };
    const users = await this.references.newest(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(', ')}]`);
    const { position } = await this.volumes.execute(name, { type: 'Remove', name, at: new Date().toISOString() }, asked);
    if (!asked.dryRun) {
      await this.reconciled.promise;
      await this.bus.request(RemoveVolumeDirectory, { name }, asked, AGAIN);
    }
    return { position };
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
    for (const name of this.ofNobody()) await this.volumes.execute(name, { type: 'Remove', name, at: new Date().toISOString() }, VOLUMES);
    const { whole, half } = await this.bus.request(ListVolumeDirectories, {}, VOLUMES);
    // A directory that the log does not know stays: data goes only when the log says so.
    for (const name of [...whole, ...half]) {
      if (this.volumes.get(name).state.status === 'absent' && (await this.volumes.history(name)).length > 0) await this.bus.request(RemoveVolumeDirectory, { name }, VOLUMES);
    }
    const complete = new Set(whole);
    for (const [name, { status }] of this.volumes.entries()) if (status === 'present' && !complete.has(name)) await this.bus.request(EnsureVolumeDirectory, { name }, VOLUMES);
    this.reconciled.resolve();
  }

  /** What was made for a container that was given up while this service was away, or whose maker died. */
  async removeVolumesOf(container: string): Promise<void> {
    for (const name of this.ofNobody(container)) await this.remove({ name, force: true }, VOLUMES);
  }

  /** Anonymous volumes whose container never came to be, or was removed with them; of one container where it is given. */
  private ofNobody(container?: string): string[] {
    const left = ([name, volume]: readonly [string, Volume]): boolean => {
      if (volume.status === 'absent' || !volume.container || (container !== undefined && volume.container !== container)) return false;
      return this.references.of(name).length === 0 && this.references.hasLeft(volume.container);
    };
    return [...this.volumes.entries()].filter(left).map(([name]) => name);
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
