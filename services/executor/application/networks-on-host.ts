import type { EnsureBridge } from '#contracts/executor/host.js';
import type { NetworkEvent } from '#contracts/networks/networks.js';
import type { Done } from '#contracts/request.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { ensureBridge } from '../adapters/network/bridge.js';
import type { Firewall } from '../adapters/network/firewall.js';
import type { BridgeRules } from '../adapters/network/rule-set.js';
import type { LiveTasks } from './live-tasks.js';
import { rulesOf } from './port-publisher.js';

type Bridge = Omit<EnsureBridge, 'reply'>;

/** Bridges and the rules that belong to them. The rule set is the fold of all wishes, applied whole. */
export class NetworksOnHost {
  private readonly bridges = new Map<string, BridgeRules>();
  private readonly gateways = new Map<string, string>();

  constructor(
    private readonly firewall: Firewall,
    private readonly live: LiveTasks,
    private readonly store: EventStore,
  ) {}

  /** The host's address on a bridge; undefined: there is no such bridge. */
  gatewayOf(bridge: string): string | undefined {
    return this.gateways.get(bridge);
  }

  async ensure(wished: Bridge): Promise<Done> {
    this.make(wished);
    await this.applyRules();
    return { position: 0 };
  }

  /** Bridges and rules of all networks on the log, made anew where something is missing: after a restart, or when somebody else took them away. */
  async restore(): Promise<void> {
    await this.store.replay(['berth.event.network.>'], 0, (commit) => {
      for (const { driver, bridge, gateway, subnet, mtu, internal } of commit.events as readonly NetworkEvent[]) {
        if (driver === 'bridge') this.make({ bridge, gateway, prefixLength: Number(subnet.split('/')[1]), mtu, internal });
      }
    });
    if (this.bridges.size > 0) await this.applyRules();
  }

  private make({ bridge, gateway, prefixLength, mtu, internal }: Bridge): void {
    ensureBridge({ name: bridge, gateway, prefixLength, mtu });
    this.gateways.set(bridge, gateway);
    this.bridges.set(bridge, { bridge, subnet: networkOf(gateway, prefixLength), internal });
  }

  private applyRules(): Promise<void> {
    return this.firewall.applyRuleSet({ bridges: [...this.bridges.values()], publishedPorts: [...this.live.all()].flatMap(rulesOf) });
  }
}

function networkOf(address: string, prefixLength: number): string {
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const base = number - (number % 2 ** (32 - prefixLength));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefixLength}`;
}
