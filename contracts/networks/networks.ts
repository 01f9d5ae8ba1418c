import { IsArray, IsOptional, IsString } from 'class-validator';
import type { EndpointSettings, PortRequest, PublishedPort } from '../containers/container-state.js';
import type { Done } from '../request.js';
import { Request } from '../request.js';

export interface NetworkView {
  readonly id: string;
  readonly name: string;
  readonly driver: 'bridge' | 'host' | 'null';
  readonly createdAt: string;
  readonly internal: boolean;
  readonly subnet: string;
  readonly gateway: string;
  readonly bridge: string;
  readonly mtu: number;
  readonly labels: Record<string, string>;
  readonly options: Record<string, string>;
  readonly endpoints: readonly { readonly container: string; readonly name: string; readonly endpointId: string; readonly mac: string; readonly address: string; readonly prefixLength: number }[];
}

export class ListNetworks extends Request<{ readonly networks: readonly NetworkView[]; readonly position: number }> {
  static readonly subject = 'berth.query.networks.list';
}

export class GetNetwork extends Request<NetworkView> {
  static readonly subject = 'berth.query.networks.get';
  @IsString() readonly network!: string;
}

/** An address, a MAC and host ports for one run of a container. The same `endpoint` id twice is one endpoint. */
export class AllocateEndpoint extends Request<EndpointSettings & Done> {
  static readonly subject = 'berth.command.networks.allocate-endpoint';
  @IsString() readonly network!: string;
  @IsString() readonly endpoint!: string;
  @IsString() readonly container!: string;
  @IsString() readonly name!: string;
  @IsArray() readonly ports!: PortRequest[];
  @IsOptional() @IsString() readonly address?: string;
  @IsOptional() @IsString() readonly mac?: string;
}

/** Other host ports for an endpoint that is in use: what is asked for and held already stays. Rejects as not-found where there is no such endpoint. */
export class ChangeEndpointPorts extends Request<Done & { readonly ports: readonly PublishedPort[] }> {
  static readonly subject = 'berth.command.networks.change-ports';
  @IsString() readonly network!: string;
  @IsString() readonly endpoint!: string;
  @IsArray() readonly ports!: readonly PortRequest[];
}

/** Releasing an endpoint that is not there changes nothing. */
export class ReleaseEndpoint extends Request<Done> {
  static readonly subject = 'berth.command.networks.release-endpoint';
  @IsString() readonly network!: string;
  @IsString() readonly endpoint!: string;
}
