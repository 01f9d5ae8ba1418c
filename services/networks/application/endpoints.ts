import type { EndpointSettings, PortRequest, PublishedPort } from '#contracts/containers/container-state.js';
import type { AllocateEndpoint, ChangeEndpointPorts, ReleaseEndpoint } from '#contracts/networks/networks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { internal } from '#libs/errors/errors.js';
import { Timer } from '#libs/telemetry/metrics/measured.js';
import { parseSubnet } from '../domain/ipv4.js';
import type { EndpointWishes } from './endpoint-wishes.js';
import type { NetworkDirectory, Pools } from './network-directory.js';
import type { SettingsWatch } from './bridge-settings.js';

/** Addresses and ports of the runs of containers: allocated before a run, released after it. */
export class Endpoints {
  /** dockerd's connect and update are part of a start here, and stay at zero. */
  readonly actions = new Timer('engine_daemon_network_actions_seconds', 'The number of seconds it takes to process each network action', [{ action: 'allocate' }, { action: 'connect' }, { action: 'release' }, { action: 'update' }]);

  constructor(
    private readonly directory: NetworkDirectory,
    private readonly pools: Pools,
    private readonly wishes: EndpointWishes,
    /** Ports of the host's own sockets, as "tcp 8080". */
    private readonly boundPorts: () => Promise<ReadonlySet<string>>,
    private readonly settingsWatch: Pick<SettingsWatch, 'allocate'>,
  ) {}

  allocate(command: AllocateEndpoint, asked: RequestContext): Promise<EndpointSettings & Done> {
    return this.actions.time({ action: 'allocate' }, () => this.settingsWatch.allocate(() => this.allocateNow(command, asked)));
  }

  release(command: ReleaseEndpoint, asked: RequestContext): Promise<Done> {
    return this.actions.time({ action: 'release' }, () => this.releaseNow(command, asked));
  }

  async changePorts({ network: reference, endpoint, ports }: Omit<ChangeEndpointPorts, 'reply'>, asked: RequestContext): Promise<Done & { ports: readonly PublishedPort[] }> {
    const { id } = this.directory.find(reference);
    const bound = await this.boundFor(ports);
    const { state, position } = await this.wishes.make(id, endpoint, asked, () => this.pools.execute(id, { type: 'ChangePorts', endpoint, ports, ...bound, at: new Date().toISOString() }, asked));
    return { ports: state.endpoints.get(endpoint)?.ports ?? [], position };
  }

  /** What the host uses, where a port is to be chosen. */
  private async boundFor(ports: readonly PortRequest[]): Promise<{ bound?: ReadonlySet<string> }> {
    const choosesPorts = ports.some(({ hostPort, hostPortEnd }) => hostPort === 0 || hostPortEnd !== undefined);
    return choosesPorts ? { bound: await this.boundPorts() } : {};
  }

  private async allocateNow(command: AllocateEndpoint, asked: RequestContext): Promise<EndpointSettings & Done> {
    const network = this.directory.find(command.network);
    const subnet = parseSubnet(network.subnet);
    const { endpoint, container, name, ports, address, mac } = command;
    const bound = await this.boundFor(ports);
    const wish = { type: 'Allocate', endpoint, container, name, ports, ...bound, subnet, gateway: network.gateway, ...(address ? { address } : {}), ...(mac ? { mac } : {}) } as const;
    const result = await this.wishes.make(network.id, endpoint, asked, () => this.pools.execute(network.id, { ...wish, at: new Date().toISOString() }, asked));
    const held = result.state.endpoints.get(endpoint);
    if (!held) throw internal(`endpoint ${endpoint} was allocated and is not there`);
    return {
      network: network.name,
      networkId: network.id,
      endpointId: endpoint,
      bridge: network.bridge,
      address: held.address,
      prefixLength: subnet.prefixLength,
      gateway: network.gateway,
      mac: held.mac,
      mtu: network.mtu,
      ports: held.ports,
      position: result.position,
    };
  }

  private async releaseNow(command: ReleaseEndpoint, asked: RequestContext): Promise<Done> {
    const network = this.directory.find(command.network);
    const { position } = await this.wishes.release(network.id, command.endpoint, asked);
    return { position };
  }
}
