import { Controller } from '@nestjs/common';
import { AllocateEndpoint, ChangeEndpointPorts, GetNetwork, ListNetworks, type NetworkView, ReleaseEndpoint } from '#contracts/networks/networks.js';
import type { EndpointSettings, PublishedPort } from '#contracts/containers/container-state.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { Endpoints } from './application/endpoints.js';
import { NetworkDirectory } from './application/network-directory.js';

@Controller()
export class NetworksController {
  constructor(
    private readonly directory: NetworkDirectory,
    private readonly endpoints: Endpoints,
  ) {}

  @Handles(ListNetworks)
  list(): { networks: readonly NetworkView[]; position: number } {
    return this.directory.list();
  }

  @Handles(GetNetwork)
  get(@Body() query: GetNetwork): NetworkView {
    return this.directory.view(this.directory.find(query.network));
  }

  @Handles(AllocateEndpoint)
  allocate(@Body() command: AllocateEndpoint, @Asked() asked: RequestContext): Promise<EndpointSettings & Done> {
    return this.endpoints.allocate(command, asked);
  }

  @Handles(ChangeEndpointPorts)
  changePorts(@Body() command: ChangeEndpointPorts, @Asked() asked: RequestContext): Promise<Done & { ports: readonly PublishedPort[] }> {
    return this.endpoints.changePorts(command, asked);
  }

  @Handles(ReleaseEndpoint)
  release(@Body() command: ReleaseEndpoint, @Asked() asked: RequestContext): Promise<Done> {
    return this.endpoints.release(command, asked);
  }
}
