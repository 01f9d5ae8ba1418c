import type { ContainerEvent } from '#contracts/containers/events.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Commit } from '#libs/event-store/event.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { Timer } from '#libs/telemetry/metrics/measured.js';
import { NETWORKS } from './predefined-networks.js';
import type { Pools } from './network-directory.js';

/** A run that has ended needs no endpoint: releases it, also what ended while nobody watched. */
export class ReleaseWatch {
  private readonly ended = new Set<string>();
  private following: Following | undefined;
  private live = false;

  constructor(
    private readonly store: EventStore,
    private readonly pools: Pools,
    private readonly actions: Timer,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  async start(): Promise<void> {
    this.following = await this.store.follow(['berth.event.container.>'], 0, (commit) => this.see(commit as Commit<ContainerEvent>));
    this.live = true;
    for (const [network, pool] of this.pools.entries()) {
      for (const { endpoint } of pool.endpoints.values()) {
        if (this.ended.has(endpoint)) await this.release(network, endpoint);
      }
    }
    this.ended.clear();
  }

  async stop(): Promise<void> {
    await this.following?.stop();
  }

  private see(commit: Commit<ContainerEvent>): void {
    for (const event of commit.events) {
      if (event.type !== 'ContainerExited' && event.type !== 'StartFailed') continue;
      const endpoint = endpointOf(event.container, event.start);
      if (!this.live) {
        this.ended.add(endpoint);
        continue;
      }
      for (const [network, pool] of this.pools.entries()) {
        if (pool.endpoints.has(endpoint)) void this.release(network, endpoint, commit);
      }
    }
  }

  private async release(network: string, endpoint: string, cause?: Commit): Promise<void> {
    const context = cause ? causedBy(cause, NETWORKS.actor) : NETWORKS;
    const release = () => this.pools.execute(network, { type: 'Release', endpoint, at: new Date().toISOString() }, context);
    await this.actions.time({ action: 'release' }, release).catch((error: unknown) => this.onError(error, { network, endpoint, correlationId: context.correlationId }));
  }
}

/** The endpoint of one run: container and start number. */
export const endpointOf = (container: string, start: number): string => `${container}-${start}`;
