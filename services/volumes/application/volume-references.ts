import type { ContainerEvent } from '#contracts/containers/events.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';

/** Which containers refer to a volume, folded from what the containers service publishes. */
export class VolumeReferences {
  private readonly users = new Map<string, Set<string>>();
  /** Every container that ever was, until the replay's questions are answered. */
  private readonly owners = new Map<string, 'kept' | 'removed-with-volumes'>();
  private following: Following | undefined;
  private live = false;

  constructor(private readonly store: EventStore) {}

  async start(): Promise<void> {
    this.following = await this.store.follow(['berth.event.container.>'], 0, (commit) => {
      for (const event of commit.events as readonly ContainerEvent[]) this.see(event);
    });
    this.live = true;
  }

  async stop(): Promise<void> {
    await this.following?.stop();
  }

  of(volume: string): readonly string[] {
    return [...(this.users.get(volume) ?? [])];
  }

  /** The same, of all that is on the log now: whoever was told that a container is removed may remove its volumes. */
  async newest(volume: string): Promise<readonly string[]> {
    if (this.of(volume).length > 0) await this.following?.waitFor(await this.store.lastPosition());
    return this.of(volume);
  }

  /** Of a container in what was replayed: never created, or removed with its volumes. Asked until `forgetOwners`. */
  hasLeft(container: string): boolean {
    const owner = this.owners.get(container);
    return owner === undefined || owner === 'removed-with-volumes';
  }

  forgetOwners(): void {
    this.owners.clear();
  }

  private see(event: ContainerEvent): void {
    if (event.type === 'ContainerCreated') {
      for (const { name } of event.mounts) if (name) this.users.set(name, (this.users.get(name) ?? new Set()).add(event.container));
      if (!this.live) this.owners.set(event.container, 'kept');
    } else if (event.type === 'RemoveRequested' && event.volumes) {
      if (!this.live) this.owners.set(event.container, 'removed-with-volumes');
    } else if (event.type === 'ContainerRemoved') {
      for (const [name, users] of this.users) if (users.delete(event.container) && users.size === 0) this.users.delete(name);
    }
  }
}
