import { notFound } from '#libs/errors/errors.js';
import type { NetworkView } from '#contracts/networks/networks.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import type { NetworkEvent, PoolEvent } from '#contracts/networks/events.js';
import type { Network, NetworkCommand } from '../domain/network/network-decider.js';
import type { Pool, PoolCommand } from '../domain/pool/pool-decider.js';

export type Networks = Aggregates<Network, NetworkCommand, NetworkEvent>;
export type Pools = Aggregates<Pool, PoolCommand, PoolEvent>;
export type PresentNetwork = Extract<Network, { status: 'present' }>;

/** Networks by name, id or the beginning of an id. */
export class NetworkDirectory {
  constructor(
    private readonly networks: Networks,
    private readonly pools: Pools,
  ) {}

  find(reference: string): PresentNetwork {
    const all = this.present();
    const exact = all.find((network) => network.name === reference || network.id === reference);
    const byPrefix = exact ? [exact] : all.filter((network) => network.id.startsWith(reference));
    const [found] = byPrefix;
    if (!found || byPrefix.length > 1) throw notFound(`network ${reference} not found`);
    return found;
  }

  list(): { networks: readonly NetworkView[]; position: number } {
    return { networks: this.present().map((network) => this.view(network)), position: Math.max(this.networks.position, this.pools.position) };
  }

  view(network: PresentNetwork): NetworkView {
    const prefixLength = Number(network.subnet.split('/')[1] ?? 0);
    const endpoints = Array.from(this.pools.get(network.id).state.endpoints.values(), ({ endpoint, container, name, mac, address }) => ({ endpointId: endpoint, container, name, mac, address, prefixLength }));
    const { id, name, driver, internal, subnet, gateway, bridge, mtu, labels, options } = network;
    return { id, name, driver, createdAt: network.at, internal, subnet, gateway, bridge, mtu, labels, options, endpoints };
  }

  private present(): PresentNetwork[] {
    return Array.from(this.networks.entries(), ([, network]) => network).filter((network): network is PresentNetwork => network.status === 'present');
  }
}
