import type { NetworkView } from '#contracts/networks/networks.js';
import type { Filters } from '../requests/filters.js';
import { dockerEndpointId } from './endpoint.js';
import { forVersion } from './fields-by-version.js';
import { anyOf, labelsFit, nameFilter } from '../requests/filters.js';
import { invalid, unclassified } from '#libs/errors/errors.js';

/** One network as GET /networks and GET /networks/{id} give it (swagger.yaml, Network). `names`: what containers are called now, with which its own are told. */
export function dockerNetwork(view: NetworkView, names: ReadonlyMap<string, string> | undefined, version: string): object {
  const fields = {
    Name: view.name,
    Id: view.id,
    Created: view.createdAt,
    Scope: 'local',
    Driver: view.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: view.subnet === '' ? null : [{ Subnet: view.subnet, Gateway: view.gateway }] },
    Internal: view.internal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: names
      ? Object.fromEntries(
          view.endpoints.map((one) => [one.container, { Name: names.get(one.container) ?? one.name, EndpointID: dockerEndpointId(one.endpointId), MacAddress: one.mac, IPv4Address: one.address && `${one.address}/${one.prefixLength}`, IPv6Address: '' }]),
        )
      : {},
    Options: view.options,
    Labels: view.labels,
  };
  return forVersion('network', fields, version);
}

export const NETWORK_FILTERS = ['id', 'name', 'driver', 'label', 'scope', 'type', 'dangling'];

export const PREDEFINED: readonly string[] = ['bridge', 'host', 'none'];

export function filterNetworks(views: readonly NetworkView[], filters: Filters): readonly NetworkView[] {
  const dangling = filters.get('dangling');
  if (dangling !== undefined && dangling.length > 1) throw invalid('got more than one value for filter key "dangling"');
  if (dangling !== undefined && (dangling.length === 0 || !['true', '1', 'false', '0'].includes(dangling[0] ?? ''))) throw invalid('invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")');
  for (const type of filters.get('type') ?? []) if (type !== 'builtin' && type !== 'custom') throw unclassified(`invalid filter: 'type'='${type}'`);
  const named = nameFilter(filters);
  return views.filter(
    (view) =>
      labelsFit(filters, view.labels) &&
      anyOf(filters, 'id', (id) => view.id.startsWith(id)) &&
      named(view.name) &&
      anyOf(filters, 'driver', (driver) => view.driver === driver) &&
      anyOf(filters, 'scope', (scope) => scope === 'local') &&
      anyOf(filters, 'type', (type) => (type === 'builtin') === PREDEFINED.includes(view.name)) &&
      anyOf(filters, 'dangling', (value) => (view.endpoints.length === 0 && !PREDEFINED.includes(view.name)) === (value === 'true' || value === '1')),
  );
}
