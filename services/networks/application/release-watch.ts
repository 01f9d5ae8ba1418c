import type { ContainerEvent } from '#contracts/containers/events.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Commit } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { Reaction, type Work } from '#libs/event-store/reaction.js';
import type { Timer } from '#libs/telemetry/metrics/measured.js';
import { containerOf, endpointOf } from '../domain/pool/endpoint-id.js';
import type { EndpointWishes } from './endpoint-wishes.js';
import { NETWORKS } from './predefined-networks.js';
import type { Pools } from './network-directory.js';

/** Releases the endpoint of a run that has ended, also of one that ended while no engine ran. The pools are folded before. */
export class ReleaseWatch extends Reaction {
  constructor(store: EventStore, pools: Pools, wishes: EndpointWishes, actions: Timer, snapshotPath: string, onError: (error: unknown) => void) {
    super(store, {
      filters: ['berth.event.container.>'],
      // Only the containers service may write these subjects.
      see: (commit) => releases(commit as Commit as Commit<ContainerEvent>, pools, wishes, actions),
      snapshot: { path: snapshotPath, fold: '1', freeze: () => null, thaw: () => undefined }, // only how far it has come
      onError,
    });
  }
}

function releases(commit: Commit<ContainerEvent>, pools: Pools, wishes: EndpointWishes, actions: Timer): Work[] {
  const asked = causedBy(commit, NETWORKS.actor);
  return commit.events.flatMap((event) => {
    const release = (network: string, endpoint: string): Work => ({
      key: network,
      run: async () => void (await actions.time({ action: 'release' }, () => wishes.release(network, endpoint, asked))),
    });
    const unsure = (isMeant: (endpoint: string) => boolean): Work[] => wishes.unsure().flatMap(({ network, endpoint }) => (isMeant(endpoint) ? [release(network, endpoint)] : []));
    // One that was allocated for a start that did not come to be goes with its container.
    if (event.type === 'ContainerRemoved') {
      const held = Array.from(pools.entries()).flatMap(([network, pool]) => [...pool.endpoints].flatMap(([endpoint, { container }]) => (container === event.container ? [release(network, endpoint)] : [])));
      return [...held, ...unsure((endpoint) => containerOf(endpoint) === event.container)];
    }
    if (event.type !== 'ContainerExited' && event.type !== 'StartFailed') return [];
    const endpoint = endpointOf(event.container, event.start);
    const held = Array.from(pools.entries()).flatMap(([network, pool]) => (pool.endpoints.has(endpoint) ? [release(network, endpoint)] : []));
    return [...held, ...unsure((other) => other === endpoint)];
  });
}
