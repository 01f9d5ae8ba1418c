import type { ContainerEvent } from '#contracts/containers/events.js';
import { EnsureVolumeDirectory, RemoveVolumeDirectory } from '#contracts/executor/host.js';
import type { Done, RequestContext } from '#contracts/request.js';
import type { CreateVolume, RemoveVolume, VolumeEvent, VolumeView } from '#contracts/volumes/volumes.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import { conflict, notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import type { Volume, VolumeCommand } from '../domain/volume/volume-decider.js';

export type VolumeAggregates = Aggregates<Volume, VolumeCommand, VolumeEvent>;
type Present = Extract<Volume, { status: 'present' }>;

/** Named and anonymous volumes of the local driver: a directory each, made by the executor. */
export class Volumes {
  /** Which containers refer to a volume, folded from what the containers service publishes. */
  private readonly references = new Map<string, Set<string>>();
  private readonly usedBy = new Map<string, readonly string[]>();

  constructor(
    private readonly volumes: VolumeAggregates,
    private readonly bus: Bus,
    private readonly dataRoot: string,
  ) {}

  async create(command: CreateVolume, asked: RequestContext): Promise<VolumeView & Done & { created: boolean }> {
    const name = command.name || keyedId('volume', asked.idempotencyKey);
    const wish = { type: 'Create', name, driver: command.driver || 'local', labels: command.labels ?? {}, options: command.options ?? {}, anonymous: !command.name, at: new Date().toISOString() } as const;
    const { events, position } = await this.volumes.execute(name, wish, asked);
    if (!asked.dryRun) await this.bus.request(EnsureVolumeDirectory, { name }, asked);
    const { anonymous, driver, labels, options, at } = wish;
    const state: Volume = asked.dryRun ? { status: 'present', name, driver, labels, options, anonymous, createdAt: at } : this.volumes.get(name).state;
    return { ...this.view(present(state, name)), position, created: events.length > 0 };
  }

  async remove(command: RemoveVolume, asked: RequestContext): Promise<Done> {
    const { name } = command;
    if (this.volumes.get(name).state.status === 'absent' && (command.force || (asked.idempotencyKey !== undefined && (await this.volumes.wasDone(name, 'Remove', asked.idempotencyKey))))) return { position: 0 };
    const users = this.references.get(name);
    if (users && users.size > 0) throw conflict(`remove ${name}: volume is in use - [${Array.from(users).join(', ')}]`);
    const { position } = await this.volumes.execute(name, { type: 'Remove', name, at: new Date().toISOString() }, asked);
    if (!asked.dryRun) await this.bus.request(RemoveVolumeDirectory, { name }, asked);
    return { position };
  }

  get(name: string): VolumeView {
    return this.view(present(this.volumes.get(name).state, name));
  }

  list(): { volumes: readonly VolumeView[]; position: number } {
    const all = Array.from(this.volumes.entries(), ([, volume]) => volume).filter((volume): volume is Present => volume.status === 'present');
    return { volumes: all.map((volume) => this.view(volume)), position: this.volumes.position };
  }

  /** Folds one event of a container into the references. */
  see(event: ContainerEvent): void {
    if (event.type === 'ContainerCreated') {
      const names = event.mounts.flatMap(({ name }) => (name ? [name] : []));
      if (names.length > 0) this.refer(event.container, names);
    } else if (event.type === 'ContainerRemoved') {
      for (const name of this.usedBy.get(event.container) ?? []) {
        const users = this.references.get(name);
        users?.delete(event.container);
        if (users?.size === 0) this.references.delete(name);
      }
      this.usedBy.delete(event.container);
    }
  }

  /** What a snapshot keeps of the references. */
  freeze(): unknown {
    return [...this.usedBy];
  }

  thaw(frozen: unknown): void {
    for (const [container, names] of frozen as [string, string[]][]) this.refer(container, names); // what `freeze` gave
  }

  private refer(container: string, names: readonly string[]): void {
    this.usedBy.set(container, names);
    for (const name of names) this.references.set(name, (this.references.get(name) ?? new Set()).add(container));
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
