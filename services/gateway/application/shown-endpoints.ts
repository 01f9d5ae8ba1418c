import type { ListedContainer } from '#contracts/containers/container-state.js';
import { GetNetwork } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { ADDRESSLESS, isInAddressless, withEndpointShown } from '../domain/docker/predefined-network.js';
import type { EngineClient } from './engine-client.js';

const NETWORKS_WITHIN_MS = 1_000;

/** Containers of the networks host and none as dockerd shows them. What these networks are called by id is asked for once: it stays. */
export class ShownEndpoints {
  private ids: ReadonlyMap<string, string> | undefined;

  constructor(private readonly engine: EngineClient) {}

  /** Containers are shown also where no service can tell of their networks. */
  async of<View extends ListedContainer>(views: readonly View[], asked: RequestContext): Promise<readonly View[]> {
    if (!views.some(isInAddressless)) return views;
    const ids = (this.ids ??= await this.ask(asked).catch(() => undefined));
    return ids ? views.map((view) => withEndpointShown(view, ids)) : views;
  }

  private async ask(asked: RequestContext): Promise<ReadonlyMap<string, string>> {
    return new Map(await Promise.all(ADDRESSLESS.map(async (network) => [network, (await this.engine.ask(GetNetwork, { network }, asked, NETWORKS_WITHIN_MS)).id] as const)));
  }
}
