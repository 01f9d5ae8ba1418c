import type { EnsureBridge } from '#contracts/executor/host.js';
import type { NetworkEvent } from '#contracts/networks/events.js';
import type { Done } from '#contracts/request.js';
import { Fold, type FoldedLog } from '#libs/event-store/fold.js';
import { ensureBridge, removeBridge, removeBridgeAddress } from '../../adapters/network/bridge.js';
import type { Firewall } from '../../adapters/network/firewall.js';
import type { Forwarding } from '../../adapters/network/forwarding.js';
import type { GivenAddresses } from '../../adapters/network/given-addresses.js';
import type { BridgeRules, PublishedPortRule } from '../../adapters/network/rule-set.js';
import type { UdpFlows } from '../../adapters/network/udp-flows.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import { rulesOf } from './port-publisher.js';

type Bridge = Omit<EnsureBridge, 'reply'>;

/** For a snapshot. */
interface Frozen {
  readonly wished: readonly Bridge[];
  readonly former: readonly Bridge[];
}

/** Bridges and the rules that belong to them. The rule set is the fold of all wishes, applied whole. */
export class NetworksOnHost {
  /** By the network's id. */
  private readonly wished = new Map<string, Bridge>();
  /** What networks had before they were changed, and what may still be on the host. */
  private former: Bridge[] = [];
  private readonly bridges = new Map<string, BridgeRules>();
  private readonly links = new Map<string, { readonly gateway: string; readonly index: number }>();
  private readonly fold: Fold;

  constructor(
    private readonly firewall: Pick<Firewall, 'applyRuleSet' | 'hasRules'>,
    private readonly forwarding: Pick<Forwarding, 'linksApart' | 'switchOn' | 'stop'>,
    private readonly given: Pick<GivenAddresses, 'has' | 'add' | 'delete'>,
    private readonly live: Pick<LiveTasks, 'all'>,
    private readonly flows: Pick<UdpFlows, 'forget'>,
    store: FoldedLog,
    snapshotPath: string,
    private readonly onError: (message: string, error: unknown) => void,
  ) {
    this.fold = new Fold(store, {
      filters: ['berth.event.network.>'],
      see: (commit) => {
        for (const event of commit.events as readonly NetworkEvent[]) this.see(event); // only the networks service may write these subjects
      },
      snapshot: { path: snapshotPath, fold: '2', freeze: () => this.freeze(), thaw: (frozen) => this.thaw(frozen as Frozen) },
    });
  }

  /** Learns of all networks on the log, and makes them. The tasks that run are known before, since their ports are part of the rules. */
  async start(): Promise<void> {
    await this.fold.start();
    await this.restore();
  }

  stop(): Promise<void> {
    this.forwarding.stop();
    return this.fold.stop();
  }

  get position(): number {
    return this.fold.position;
  }

  saveSnapshot(): Promise<void> {
    return this.fold.saveSnapshot();
  }

  bridgeNames(): Iterable<string> {
    return this.bridges.keys();
  }

  /** The host's address on a bridge; undefined: there is no such bridge. */
  gatewayOf(bridge: string): string | undefined {
    return this.links.get(bridge)?.gateway;
  }

  /** The index of a bridge's link when it was last made. */
  indexOf(bridge: string): number | undefined {
    return this.links.get(bridge)?.index;
  }

  async ensure(wished: Bridge): Promise<Done> {
    this.wish(wished);
    this.removeFormer();
    this.make(wished);
    await this.applyRules();
    return { position: 0 };
  }

  /** Bridges and rules of all networks, made anew where something is missing: after a restart, or when somebody else took them away. `withdrawn`: what may have been published until now. */
  async restore(withdrawn: readonly PublishedPortRule[] = []): Promise<void> {
    this.removeFormer();
    for (const bridge of this.wished.values()) this.make(bridge);
    if (this.bridges.size > 0) await this.applyRules(withdrawn);
  }

  /** Before a container joins a network: rules that somebody else has flushed, with his own for example, are made anew. One look at the kernel, of some 0.05 ms. */
  async ensureRules(): Promise<void> {
    if (!this.firewall.hasRules()) await this.restore();
  }

  private see(event: NetworkEvent): void {
    const { id: network, bridge, gateway, subnet } = event;
    const place = { network, bridge, gateway, prefixLength: Number(subnet.split('/')[1]) };
    if (event.type === 'NetworkCreated') {
      if (event.driver === 'bridge') this.wish({ ...place, mtu: event.mtu, internal: event.internal });
      return;
    }
    const before = this.wished.get(network);
    if (before) this.wish({ ...before, ...place });
  }

  /** Told by the log, and by who appended it, whichever comes first. */
  private wish(wished: Bridge): void {
    const before = this.wished.get(wished.network);
    if (before && !isSame(before, wished)) this.former.push(before);
    this.wished.set(wished.network, wished);
  }

  private freeze(): Frozen {
    return { wished: [...this.wished.values()], former: this.former };
  }

  private thaw({ wished, former }: Frozen): void {
    for (const bridge of wished) this.wished.set(bridge.network, bridge);
    this.former = [...former];
  }

  /**
   * Networks are changed while nothing is in them; but what is known of it is told anew at each start that reads the log, under containers of the network as it is now. So a bridge goes
   * only where it has still the former gateway's MAC, and where only the prefix is another, the former address alone. So does one that the host had before: it stays.
   */
  private removeFormer(): void {
    this.former = this.former.filter((former) => {
      try {
        this.remove(former);
        return false;
      } catch (error) {
        // The others go all the same, and this one is tried again.
        this.onError('what a network had before is still on the host', error);
        return true;
      }
    });
  }

  private remove({ bridge, gateway, prefixLength }: Bridge): void {
    const address = { name: bridge, gateway, prefixLength };
    const now = [...this.wished.values()].find((wished) => wished.bridge === bridge && wished.gateway === gateway);
    if (now?.prefixLength === prefixLength) return;
    if (this.given.has(address)) {
      // Else the host would have two ways into one subnet, where it is another bridge's now.
      removeBridgeAddress(address, { given: true });
      this.given.delete(address);
    } else if (now !== undefined) {
      removeBridgeAddress(address);
    }
    if (now !== undefined) return;
    removeBridge(bridge, { gateway });
    this.bridges.delete(bridge);
    this.links.delete(bridge);
  }

  private make({ bridge, gateway, prefixLength, mtu, internal }: Bridge): void {
    const address = { name: bridge, gateway, prefixLength };
    const { index, isGiven } = ensureBridge({ ...address, mtu });
    if (isGiven) this.given.add(address);
    this.links.set(bridge, { gateway, index });
    this.bridges.set(bridge, { bridge, subnet: networkOf(gateway, prefixLength), internal });
  }

  private async applyRules(withdrawn: readonly PublishedPortRule[] = []): Promise<void> {
    const apart = this.forwarding.linksApart();
    const publishedPorts = [...this.live.all()].flatMap(rulesOf);
    await this.firewall.applyRuleSet({ bridges: [...this.bridges.values()], publishedPorts, ...(apart ? { apart } : {}) });
    this.forwarding.switchOn(() => void this.applyRules().catch((error: unknown) => this.onError('the firewall still keeps networks of the host apart that others want it to forward between', error)));
    // The kernel remembers where packets went that came while the rules were away: nowhere, or to who had the port before.
    await this.flows.forget([...publishedPorts, ...withdrawn], publishedPorts);
  }
}

const isSame = (one: Bridge, other: Bridge): boolean => one.bridge === other.bridge && one.gateway === other.gateway && one.prefixLength === other.prefixLength;

function networkOf(address: string, prefixLength: number): string {
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const base = number - (number % 2 ** (32 - prefixLength));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefixLength}`;
}
