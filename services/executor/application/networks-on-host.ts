import type { EnsureBridge } from '#contracts/executor/host.js';
import type { Done } from '#contracts/request.js';
import { ensureBridge } from '../adapters/network/bridge.js';
import type { Firewall } from '../adapters/network/firewall.js';
import type { BridgeRules } from '../adapters/network/rule-set.js';
import type { LiveTasks } from './live-tasks.js';
import { rulesOf } from './port-publisher.js';

/** Bridges and the rules that belong to them. The rule set is the fold of all wishes, applied whole. */
export class NetworksOnHost {
  private readonly bridges = new Map<string, BridgeRules>();

  constructor(
    private readonly firewall: Firewall,
    private readonly live: LiveTasks,
  ) {}

  async ensure({ bridge, gateway, prefixLength, mtu, internal }: EnsureBridge): Promise<Done> {
    ensureBridge({ name: bridge, gateway, prefixLength, mtu });
    this.bridges.set(bridge, { bridge, subnet: networkOf(gateway, prefixLength), internal });
    await this.firewall.applyRuleSet({ bridges: [...this.bridges.values()], publishedPorts: [...this.live.all()].flatMap(rulesOf) });
    return { position: 0 };
  }
}

function networkOf(address: string, prefixLength: number): string {
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const base = number - (number % 2 ** (32 - prefixLength));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefixLength}`;
}
