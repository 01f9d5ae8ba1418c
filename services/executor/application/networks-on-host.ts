import type { EnsureBridge } from '#contracts/executor/host.js';
import type { NetworkEvent } from '#contracts/networks/events.js';
import type { Done } from '#contracts/request.js';
import { Fold, type FoldedLog } from '#libs/event-store/fold.js';
import { ensureBridge } from '../adapters/network/bridge.js';
import type { Firewall } from '../adapters/network/firewall.js';
import type { Forwarding } from '../adapters/network/forwarding.js';
import type { BridgeRules, PublishedPortRule } from '../adapters/network/rule-set.js';
import type { UdpFlows } from '../adapters/network/udp-flows.js';
import type { LiveTasks } from './live-tasks.js';
import { rulesOf } from './port-publisher.js';

type Bridge = Omit<EnsureBridge, 'reply'>;

/** Bridges and the rules that belong to them. The rule set is the fold of all wishes, applied whole. */
export class NetworksOnHost {
  private readonly wished = new Map<string, Bridge>();
  private readonly bridges = new Map<string, BridgeRules>();
  private readonly links = new Map<string, { readonly gateway: string; readonly index: number }>();
  private readonly fold: Fold;

  constructor(
    private readonly firewall: Pick<Firewall, 'applyRuleSet' | 'hasRules'>,
    private readonly forwarding: Pick<Forwarding, 'linksApart' | 'switchOn' | 'stop'>,
    private readonly live: Pick<LiveTasks, 'all'>,
    private readonly flows: Pick<UdpFlows, 'forget'>,
    store: FoldedLog,
    snapshotPath: string,
    private readonly onError: (error: unknown) => void,
  ) {
    this.fold = new Fold(store, {
      filters: ['berth.event.network.>'],
      see: (commit) => {
        for (const event of commit.events as readonly NetworkEvent[]) this.see(event); // only the networks service may write these subjects
      },
      snapshot: { path: snapshotPath, fold: '1', freeze: () => [...this.wished.values()], thaw: (frozen) => this.thaw(frozen as readonly Bridge[]) },
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
    this.make(wished);
    await this.applyRules();
    return { position: 0 };
  }

  /** Bridges and rules of all networks, made anew where something is missing: after a restart, or when somebody else took them away. `withdrawn`: what may have been published until now. */
  async restore(withdrawn: readonly PublishedPortRule[] = []): Promise<void> {
    for (const bridge of this.wished.values()) this.make(bridge);
    if (this.bridges.size > 0) await this.applyRules(withdrawn);
  }

  /** Before a container joins a network: rules that somebody else has flushed, with his own for example, are made anew. One look at the kernel, of some 0.05 ms. */
  async ensureRules(): Promise<void> {
    if (!this.firewall.hasRules()) await this.restore();
  }

  private see({ driver, bridge, gateway, subnet, mtu, internal }: NetworkEvent): void {
    if (driver === 'bridge') this.wished.set(bridge, { bridge, gateway, prefixLength: Number(subnet.split('/')[1]), mtu, internal });
  }

  private thaw(frozen: readonly Bridge[]): void {
    for (const bridge of frozen) this.wished.set(bridge.bridge, bridge);
  }

  private make({ bridge, gateway, prefixLength, mtu, internal }: Bridge): void {
    this.links.set(bridge, { gateway, index: ensureBridge({ name: bridge, gateway, prefixLength, mtu }) });
    this.bridges.set(bridge, { bridge, subnet: networkOf(gateway, prefixLength), internal });
  }

  private async applyRules(withdrawn: readonly PublishedPortRule[] = []): Promise<void> {
    const apart = this.forwarding.linksApart();
    const publishedPorts = [...this.live.all()].flatMap(rulesOf);
    await this.firewall.applyRuleSet({ bridges: [...this.bridges.values()], publishedPorts, ...(apart ? { apart } : {}) });
    this.forwarding.switchOn(() => void this.applyRules().catch(this.onError));
    // Who sent while the rules were away has found nobody, or who was there before.
    await this.flows.forget([...publishedPorts, ...withdrawn], publishedPorts);
  }
}

function networkOf(address: string, prefixLength: number): string {
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const base = number - (number % 2 ** (32 - prefixLength));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefixLength}`;
}
