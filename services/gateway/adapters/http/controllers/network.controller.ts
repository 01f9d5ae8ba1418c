import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { ListedContainer } from '#contracts/containers/container-state.js';
import { ListContainers } from '#contracts/containers/queries.js';
import { GetNetwork, ListNetworks, type NetworkView } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { forbidden, invalid, notFound, notImplemented } from '#libs/errors/errors.js';
import { EngineClient } from '../../../application/engine-client.js';
import { isAtLeast } from '../../../domain/api-version.js';
import { dockerNetwork, filterNetworks, NETWORK_FILTERS, PREDEFINED } from '../../../domain/docker/network.js';
import { withContainersShown } from '../../../domain/docker/predefined-network.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { bodyFields, textField } from '../../../domain/requests/go-fields.js';
import { text, type QueryValues } from '../../../domain/requests/query-values.js';
import { missingRoute } from '../../../domain/engine-routes.js';
import { ApiVersion, Asked } from '../callers/request-context.js';

/** As Go's strconv.ParseBool takes them. */
const BOOLEANS = /^(?:[01tTfF]|true|TRUE|True|false|FALSE|False)$/;

@Controller('/networks')
export class NetworkController {
  constructor(private readonly engine: EngineClient) {}

  @Get()
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object[]> {
    const filters = readFilters(text(query, 'filters'), NETWORK_FILTERS);
    const { networks } = await this.engine.ask(ListNetworks, {}, asked);
    const found = filterNetworks(networks, filters);
    // Since then who wants to know of containers asks for each.
    if (isAtLeast(version, '1.28')) return found.map((view) => dockerNetwork(view, undefined, version));
    const { containers } = await this.engine.ask(ListContainers, { all: false }, asked);
    return found.map((view) => withContainers(view, containers, version));
  }

  /** There are those that every engine has, and no others yet. */
  @Post('/create')
  create(@Body() body: unknown): never {
    const fields = bodyFields(body, 'network.CreateRequest');
    const [name, driver] = [textField('CreateRequest', fields, 'Name'), textField('CreateRequest', fields, 'Driver')];
    if (name.trim() === '') throw invalid('invalid name: name is empty');
    if (name === 'default' || PREDEFINED.includes(name)) throw forbidden(`operation is not permitted on predefined ${name} network `); // the blank is dockerd's
    if (driver === 'host' || driver === 'null') throw forbidden(`only one instance of "${driver}" network is allowed`);
    throw notImplemented(missingRoute('POST', '/networks/create'));
  }

  @Delete('/:id')
  async remove(@Param('id') network: string, @Asked() asked: RequestContext): Promise<never> {
    const { name } = await this.engine.ask(GetNetwork, { network }, asked);
    throw forbidden(`${name} is a pre-defined network and cannot be removed`);
  }

  @Get('/:id')
  async inspect(@Param('id') network: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    const verbose = text(query, 'verbose') ?? '';
    if (verbose !== '' && !BOOLEANS.test(verbose)) throw invalid(`invalid value for verbose: ${verbose}: strconv.ParseBool: parsing ${JSON.stringify(verbose)}: invalid syntax`);
    if (text(query, 'scope') && text(query, 'scope') !== 'local') throw notFound(`network ${network} not found`);
    // An endpoint has the name that its container had when the run began.
    const [view, { containers }] = await Promise.all([this.engine.ask(GetNetwork, { network }, asked), this.engine.ask(ListContainers, { all: false }, asked)]);
    return withContainers(view, containers, version);
  }
}

const withContainers = (view: NetworkView, containers: readonly ListedContainer[], version: string): object => dockerNetwork(withContainersShown(view, containers), new Map(containers.map(({ id, name }) => [id, name])), version);
