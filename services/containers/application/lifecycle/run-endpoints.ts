import type { EndpointSettings } from '#contracts/containers/container-state.js';
import { AllocateEndpoint, ListNetworks, ReleaseEndpoint } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { isRunning, type PresentContainer } from '../../domain/container/container-state.js';
import { networkWithEndpoint } from '../../domain/launch-request.js';
import { portRequests } from '../../domain/network/port-requests.js';
import type { ContainerDirectory } from '../names/container-directory.js';

/** Of a start that is being asked for: what will be its endpoint if it comes to be. */
export interface EarlyEndpoint {
  readonly container: string;
  readonly network: string;
  readonly start: number;
  /** Of the container, when it was asked for: an edit between asks for other ports. */
  readonly version: number;
  readonly settings: Promise<EndpointSettings | undefined>;
}

/** Both mean the same when given twice; of one whose answer was lost nobody would know whether an address is held. */
const AGAIN = { askAgainMs: Infinity };

/** The endpoints of the runs of containers, which the networks service allocates. A run's is named by container and start number, so that twice is once; its end releases it. */
export class RunEndpoints {
  /** Neither a run's yet nor given back. */
  private readonly unsettled = new Set<EarlyEndpoint>();
  private readonly releases = new Map<string, Promise<void>>();

  constructor(
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
  ) {}

  async allocate({ spec, run }: PresentContainer, asked: RequestContext, start = run.start): Promise<EndpointSettings | undefined> {
    const network = networkWithEndpoint(spec);
    if (network === undefined) return undefined;
    const endpoint = endpointId(spec.id, start);
    await this.releases.get(endpoint)?.catch(() => undefined);
    const allocated = this.bus.request(
      AllocateEndpoint,
      { network, endpoint, container: spec.id, name: spec.name, ports: portRequests(spec.config, spec.hostConfig), ...(spec.config.MacAddress ? { mac: spec.config.MacAddress.toLowerCase() } : {}) },
      asked,
      AGAIN,
    );
    const { position: _position, ...settings } = await allocated.catch((error: unknown) => Promise.reject(withoutNetwork(error)));
    return settings;
  }

  /** While the intent to start is appended: one append's time less. Undefined where a start may not follow. Whoever has it gives it back in the end. */
  early(container: PresentContainer, asked: RequestContext): EarlyEndpoint | undefined {
    const network = networkWithEndpoint(container.spec);
    if (network === undefined || asked.dryRun || asked.idempotencyKey !== undefined || isRunning(container) || container.status === 'removing') return undefined;
    return this.wish(container, network, container.run.start + 1, asked);
  }

  /** Of a run that has begun while nobody here knows its endpoint: it was allocated before, and is told again. Whoever has it gives it back in the end. */
  again(container: PresentContainer, asked: RequestContext): EarlyEndpoint | undefined {
    const network = networkWithEndpoint(container.spec);
    return network === undefined ? undefined : this.wish(container, network, container.run.start, asked);
  }

  private wish(container: PresentContainer, network: string, start: number, asked: RequestContext): EarlyEndpoint {
    const settings = this.allocate(container, asked, start);
    settings.catch(() => undefined); // whoever goes on with the start hears of it
    const wish = { container: container.spec.id, network, start, version: versionOf(container), settings };
    this.unsettled.add(wish);
    return wish;
  }

  /** Of a start on record: what was asked for early, where it is still what the container wants. It is the run's from now on. */
  async settled(container: PresentContainer, early: EarlyEndpoint | undefined, asked: RequestContext): Promise<EndpointSettings | undefined> {
    if (early?.start !== container.run.start) return this.allocate(container, asked);
    this.unsettled.delete(early);
    if (early.version === versionOf(container)) return early.settings;
    await early.settings.catch(() => undefined); // that the wish which is over does not come behind the one that holds
    return this.allocate(container, asked);
  }

  /**
   * What did not become this start's. Of several starts at once one comes to be, and may be over before the others' wishes are heard: theirs would be the endpoint of no run,
   * with its address and ports, for as long as the container stays.
   */
  async giveBack(early: EarlyEndpoint | undefined, asked: RequestContext): Promise<void> {
    if (early === undefined || !this.unsettled.has(early)) return;
    await early.settings.catch(() => undefined); // refused, or without an answer: it may have come to be
    this.unsettled.delete(early);
    const { container, network, start } = early;
    const run = this.directory.get(container)?.run;
    const isOfARun = run?.start === start && !run.over;
    const isWished = [...this.unsettled].some((other) => other.container === container && other.start === start);
    if (!isOfARun && !isWished) await this.release(network, endpointId(container, start), asked);
  }

  /** Endpoints of starts that were cut short before they were on record. Only before commands are taken: one that cannot be released, as where the log is full, waits for the next start. */
  async settle(asked: RequestContext, onError: (error: unknown, container: string) => void): Promise<void> {
    const { networks } = await this.bus.request(ListNetworks, {}, asked);
    for (const { name, endpoints } of networks) {
      for (const { container, endpointId: id } of endpoints) {
        const run = this.directory.get(container)?.run;
        if (run === undefined || run.over || endpointId(container, run.start) !== id) await this.release(name, id, asked).catch((error: unknown) => onError(error, container));
      }
    }
  }

  /** A start that wants it again waits for it: its wish must not overtake the release. */
  private async release(network: string, endpoint: string, asked: RequestContext): Promise<void> {
    const release = this.bus.request(ReleaseEndpoint, { network, endpoint }, asked, AGAIN).then(() => undefined);
    this.releases.set(endpoint, release);
    try {
      await release;
    } finally {
      this.releases.delete(endpoint);
    }
  }
}

/** As dockerd tells of a network that is not there, and of a port that is taken. */
const withoutNetwork = (error: unknown): unknown =>
  error instanceof BerthError && ['not-found', 'unclassified'].includes(error.kind) ? new BerthError(error.kind, `failed to set up container networking: ${error.message}`, { cause: error }) : error;
const endpointId = (container: string, start: number): string => `${container}-${start}`;
const versionOf = ({ version = 1 }: PresentContainer): number => version;
