import type { EndpointSettings } from '#contracts/containers/container-state.js';
import { AllocateEndpoint, ListNetworks, ReleaseEndpoint } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import type { Bus } from '#libs/messaging/bus.js';
import { isRunning, type PresentContainer } from '../domain/container/container-state.js';
import { networkWithEndpoint } from '../domain/launch-request.js';
import { portRequests } from '../domain/port-requests.js';
import type { ContainerDirectory } from './container-directory.js';

/** Of a start that is being asked for: what will be its endpoint if it comes to be. */
export interface EarlyEndpoint {
  readonly start: number;
  /** Of the container, when it was asked for: an edit between asks for other ports. */
  readonly version: number;
  readonly settings: Promise<EndpointSettings | undefined>;
}

/** The endpoints of the runs of containers, which the networks service allocates. A run's is named by container and start number, so that twice is once; its end releases it. */
export class RunEndpoints {
  constructor(
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
  ) {}

  async allocate({ spec, run }: PresentContainer, asked: RequestContext, start = run.start): Promise<EndpointSettings | undefined> {
    const network = networkWithEndpoint(spec.hostConfig);
    if (network === undefined) return undefined;
    const { position: _position, ...endpoint } = await this.bus.request(
      AllocateEndpoint,
      { network, endpoint: endpointId(spec.id, start), container: spec.id, name: spec.name, ports: portRequests(spec.config, spec.hostConfig), ...(spec.config.MacAddress ? { mac: spec.config.MacAddress.toLowerCase() } : {}) },
      asked,
    );
    return endpoint;
  }

  /** While the intent to start is appended: one append's time less. Undefined where a start may not follow. */
  early(container: PresentContainer, asked: RequestContext): EarlyEndpoint | undefined {
    if (asked.dryRun || asked.idempotencyKey !== undefined || isRunning(container) || container.status === 'removing') return undefined;
    const start = container.run.start + 1;
    const settings = this.allocate(container, asked, start);
    settings.catch(() => undefined); // whoever goes on with the start hears of it
    return { start, version: versionOf(container), settings };
  }

  /** Of a start on record: what was asked for early, where it is still what the container wants. */
  async settled(container: PresentContainer, early: EarlyEndpoint | undefined, asked: RequestContext): Promise<EndpointSettings | undefined> {
    if (early?.start !== container.run.start) return this.allocate(container, asked);
    if (early.version === versionOf(container)) return early.settings;
    await early.settings.catch(() => undefined); // that the wish which is over does not come behind the one that holds
    return this.allocate(container, asked);
  }

  /** The start did not come to be. A container that stays has the endpoint for its next start; one that goes would leave it behind. */
  async giveBack(container: string, early: EarlyEndpoint | undefined, asked: RequestContext): Promise<void> {
    const endpoint = await early?.settings.catch(() => undefined);
    const status = this.directory.get(container)?.status;
    if (endpoint && (status === undefined || status === 'removing')) await this.release(endpoint.network, endpoint.endpointId, asked);
  }

  /** Endpoints of starts that were cut short before they were on record. Only before commands are taken. */
  async settle(asked: RequestContext): Promise<void> {
    const { networks } = await this.bus.request(ListNetworks, {}, asked);
    for (const { name, endpoints } of networks) {
      for (const { container, endpointId: id } of endpoints) {
        const run = this.directory.get(container)?.run;
        if (run === undefined || run.over || endpointId(container, run.start) !== id) await this.release(name, id, asked);
      }
    }
  }

  private async release(network: string, endpoint: string, asked: RequestContext): Promise<void> {
    await this.bus.request(ReleaseEndpoint, { network, endpoint }, asked);
  }
}

const endpointId = (container: string, start: number): string => `${container}-${start}`;
const versionOf = ({ version = 1 }: PresentContainer): number => version;
