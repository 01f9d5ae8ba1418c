import type { ContainerEvent } from '#contracts/containers/events.js';
import type { Commit } from '#libs/event-store/event.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';
import { NETWORKS } from './predefined-networks.js';
import type { Pools } from './network-directory.js';

/** A run that has ended needs no endpoint: releases it, also what ended while nobody watched. The pools are folded before. */
export class ReleaseWatch {
  private following: Following | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly pools: Pools,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    this.following = await this.store.follow(['berth.event.container.>'], 0, (commit) => this.see(commit as Commit<ContainerEvent>));
  }

  async stop(): Promise<void> {
    await this.following?.stop();
  }

  private see(commit: Commit<ContainerEvent>): void {
    for (const event of commit.events) {
      if (event.type !== 'ContainerExited' && event.type !== 'StartFailed') continue;
      const endpoint = endpointOf(event.container, event.start);
      for (const [network, pool] of this.pools.entries()) {
        if (pool.endpoints.has(endpoint)) void this.release(network, endpoint, commit);
      }
    }
  }

  private async release(network: string, endpoint: string, cause: Commit): Promise<void> {
    const context = { ...NETWORKS, correlationId: cause.cause.correlationId, causationId: cause.id };
    await this.pools.execute(network, { type: 'Release', endpoint, at: new Date().toISOString() }, context).catch(this.onError);
  }
}

/** The endpoint of one run: container and start number. */
export const endpointOf = (container: string, start: number): string => `${container}-${start}`;
