import { Controller, Get, Param, Query } from '@nestjs/common';
import { ListContainers } from '#contracts/containers/queries.js';
import { GetNetwork, ListNetworks } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { EngineClient } from '../../../application/engine-client.js';
import { dockerNetwork, filterNetworks, NETWORK_FILTERS } from '../../../domain/docker/network.js';
import { withContainersShown } from '../../../domain/docker/predefined-network.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { text, type QueryValues } from '../../../domain/requests/query-values.js';
import { ApiVersion, Asked } from '../callers/request-context.js';

@Controller('/networks')
export class NetworkController {
  constructor(private readonly engine: EngineClient) {}

  @Get()
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object[]> {
    const filters = readFilters(text(query, 'filters'), NETWORK_FILTERS);
    const { networks } = await this.engine.ask(ListNetworks, {}, asked);
    return filterNetworks(networks, filters).map((view) => dockerNetwork(view, undefined, version));
  }

  @Get('/:id')
  async inspect(@Param('id') network: string, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    // An endpoint has the name that its container had when the run began.
    const [view, { containers }] = await Promise.all([this.engine.ask(GetNetwork, { network }, asked), this.engine.ask(ListContainers, { all: false }, asked)]);
    return dockerNetwork(withContainersShown(view, containers), new Map(containers.map(({ id, name }) => [id, name])), version);
  }
}
