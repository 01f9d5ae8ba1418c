import type { ListedContainer } from '#contracts/containers/container-state.js';
import { GetNetwork } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { isRemembered, REMEMBERED, withEndpointShown } from '../domain/docker/predefined-network.js';
import type { EngineClient } from './engine-client.js';

const NETWORKS_WITHIN_MS = 1_000;

/** Containers as dockerd shows them in networks of which the log tells nothing: those of the networks host and none, and those that do not run. What these networks are called by id is asked for once: it stays. */
export class ShownEndpoints {
  private ids: ReadonlyMap<string, string> | undefined;

  constructor(private readonly engine: EngineClient) {}

  /** Containers are shown also where no service can tell of their networks. */
  async of<View extends ListedContainer>(views: readonly View[], asked: RequestContext): Promise<readonly View[]> {
    if (!views.some(isRemembered)) return views;
    const ids = (this.ids ??= await this.ask(asked).catch(() => undefined));
    return ids ? views.map((view) => withEndpointShown(view, ids)) : views;
  }

  private async ask(asked: RequestContext): Promise<ReadonlyMap<string, string>> {
    return new Map(await Promise.all(REMEMBERED.map(async (network) => [network, (await this.engine.ask(GetNetwork, { network }, asked, NETWORKS_WITHIN_MS)).id] as const)));
  }
}
