import type { PublishedPort } from '../containers/container-state.js';

/** `berth.event.network.<id>` */
export interface NetworkCreated {
  readonly type: 'NetworkCreated';
  readonly id: string;
  readonly name: string;
  readonly driver: 'bridge' | 'host' | 'null';
  readonly subnet: string;
  readonly gateway: string;
  readonly bridge: string;
  readonly mtu: number;
  readonly internal: boolean;
  readonly labels: Record<string, string>;
  readonly options: Record<string, string>;
  readonly at: string;
}

/** Other addresses, or another bridge. No endpoint is held then. */
export interface NetworkChanged {
  readonly type: 'NetworkChanged';
  readonly id: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly bridge: string;
  readonly options: Record<string, string>;
  readonly at: string;
}

export type NetworkEvent = NetworkCreated | NetworkChanged;

/** `berth.event.pool.<network id>`: the addresses and host ports of one network, in one aggregate, so that no two endpoints get the same. */
export type PoolEvent =
  | { readonly type: 'EndpointAllocated'; readonly endpoint: string; readonly container: string; readonly name: string; readonly address: string; readonly mac: string; readonly ports: readonly PublishedPort[]; readonly at: string }
  /** All that it has from now on. */
  | { readonly type: 'EndpointPortsChanged'; readonly endpoint: string; readonly ports: readonly PublishedPort[]; readonly at: string }
  | { readonly type: 'EndpointReleased'; readonly endpoint: string; readonly at: string };
