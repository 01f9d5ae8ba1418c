import type { EngineSettings } from '#libs/settings/engine-settings.js';
import type { EndpointWishes } from './endpoint-wishes.js';
import type { Networks, Pools, PresentNetwork } from './network-directory.js';
import { NETWORKS, predefinedNetworks } from './predefined-networks.js';

/**
 * Makes the bridge network what the settings say by now, where they say something else than at the start that created it. While containers have addresses of it, it stays as it was: with other
 * ones they would be of no network. So it is looked at again whenever its pool becomes empty: what ended while no engine ran is known only once the containers service is up, and a start that
 * waited for that would wait for ever.
 */
export class SettingsWatch {
  private unlisten: () => void = () => undefined;
  private changing: Promise<void> | undefined;
  private allocating = 0;

  constructor(
    private readonly settings: EngineSettings,
    private readonly networks: Networks,
    private readonly pools: Pools,
    private readonly wishes: Pick<EndpointWishes, 'mayCome'>,
    /** On the host. Must not reject. */
    private readonly makeBridge: (network: PresentNetwork) => Promise<void>,
    private readonly onError: (message: string, error?: unknown) => void,
  ) {}

  /** Where what is folded by now lets it. Before requests are taken; whoever starts makes all bridges afterwards. */
  async start(): Promise<void> {
    if (this.changeable()) await this.change();
    const left = this.remark();
    if (left !== undefined) this.onError(left);
    this.unlisten = this.pools.onCommit(() => this.look());
  }

  stop(): void {
    this.unlisten();
  }

  /** An allocation, which reads what the network is, and is on the log later. */
  async allocate<T>(work: () => Promise<T>): Promise<T> {
    while (this.changing) await this.changing;
    this.allocating++;
    try {
      return await work();
    } finally {
      this.allocating--;
      this.look();
    }
  }

  /** What of the settings does not count yet, and why. */
  remark(): string | undefined {
    const wished = this.wished();
    if (wished === undefined) return undefined;
    const { subnet, bridge } = wished.network;
    const heldBy = Array.from(this.pools.get(wished.network.id).state.endpoints.values(), ({ name }) => name);
    return `BERTH_SUBNET=${this.settings.subnet} BERTH_BRIDGE=${this.settings.bridge} do not count yet: the network bridge is ${subnet} on ${bridge} until no container has an address of it${heldBy.length > 0 ? `, as now ${heldBy.join(', ')}` : ''}`;
  }

  private look(): void {
    if (this.changing !== undefined || !this.changeable()) return;
    this.changing = this.change()
      .then((network) => network && this.makeBridge(network))
      .finally(() => (this.changing = undefined));
  }

  private wished() {
    for (const wish of predefinedNetworks(this.settings, new Date().toISOString())) {
      const { state: network } = this.networks.get(wish.id);
      if (wish.driver === 'bridge' && network.status === 'present' && (network.subnet !== wish.subnet || network.bridge !== wish.bridge)) return { wish, network };
    }
    return undefined;
  }

  private changeable(): boolean {
    const id = this.allocating === 0 ? this.wished()?.network.id : undefined;
    return id !== undefined && this.pools.get(id).state.endpoints.size === 0 && !this.wishes.mayCome(id);
  }

  /** Undefined: the log does not take it now, and the network stays as it was, until the next look. */
  private async change(): Promise<PresentNetwork | undefined> {
    const wished = this.wished();
    if (wished === undefined) return undefined;
    const { id, subnet, gateway, bridge, options, at } = wished.wish;
    try {
      const { state } = await this.networks.execute(id, { type: 'Change', id, subnet, gateway, bridge, options, heldBy: [], at }, NETWORKS);
      return state.status === 'present' ? state : undefined;
    } catch (error) {
      this.onError('the bridge network could not be made what the settings say', error);
      return undefined;
    }
  }
}
