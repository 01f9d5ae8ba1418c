import { Controller, Get, Param, Query } from '@nestjs/common';
import { GetNetwork, ListNetworks } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { EngineClient } from '../../application/engine-client.js';
import { dockerNetwork, filterNetworks, NETWORK_FILTERS } from '../../domain/docker/network.js';
import { readFilters } from '../../domain/requests/filters.js';
import { text, type QueryValues } from '../../domain/requests/query-values.js';
import { ApiVersion, Asked } from './asked.js';

@Controller('/networks')
export class NetworkController {
  constructor(private readonly engine: EngineClient) {}

  @Get()
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object[]> {
    const filters = readFilters(text(query, 'filters'), NETWORK_FILTERS);
    const { networks } = await this.engine.ask(ListNetworks, {}, asked);
    return filterNetworks(networks, filters).map((view) => dockerNetwork(view, false, version));
  }

  @Get('/:id')
  async inspect(@Param('id') network: string, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    return dockerNetwork(await this.engine.ask(GetNetwork, { network }, asked), true, version);
  }
}
