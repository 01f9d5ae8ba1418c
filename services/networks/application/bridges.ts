import { EnsureBridge } from '#contracts/executor/host.js';
import type { Bus } from '#libs/messaging/bus.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { PresentNetwork } from './network-directory.js';
import { NETWORKS } from './predefined-networks.js';

/** Asks the executor for bridges; one that is not up yet is asked again. */
export class Bridges {
  private readonly stopping = new AbortController();
  /** By the network's id: what it is by now. */
  private readonly wanted = new Map<string, PresentNetwork>();

  constructor(
    private readonly bus: Pick<Bus, 'request'>,
    private readonly onError: (bridge: string, error: unknown) => void,
  ) {}

  stop(): void {
    this.stopping.abort();
  }

  /** Resolves after the first attempt, whatever came of it. */
  make(network: PresentNetwork): Promise<void> {
    if (network.driver !== 'bridge') return Promise.resolve();
    const { id, bridge, gateway, mtu, internal, subnet } = network;
    const command = { network: id, bridge, gateway, prefixLength: Number(subnet.split('/')[1]), mtu, internal };
    this.wanted.set(id, network);
    return new Promise((resolve) => {
      const attempt = async (): Promise<void> => {
        // Changed since: the executor would make it what it was.
        if (this.wanted.get(id) === network) await this.bus.request(EnsureBridge, command, NETWORKS).finally(resolve);
      };
      void retryUntilDone(attempt, this.stopping.signal, (error) => this.onError(bridge, error)).finally(resolve);
    });
  }
}
