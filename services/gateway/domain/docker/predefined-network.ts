import type { EndpointSettings, ListedContainer } from '#contracts/containers/container-state.js';
import type { NetworkView } from '#contracts/networks/networks.js';
import { networkOf } from '../requests/container-filters.js';

/** Networks that are no bridge: what runs in one has no address there. dockerd gives it an endpoint nevertheless, of which nothing is to be told but its id. */
export const ADDRESSLESS = ['host', 'none'] as const;

/** From its first start on, as dockerd remembers it. */
export const isInAddressless = (view: ListedContainer): boolean => view.startNumber > 0 && ADDRESSLESS.some((name) => name === networkOf(view));

/** Kept, since the summary of a view that is the same one is not written out again. */
const shown = new WeakMap<ListedContainer, ListedContainer>();

/** The container as it is shown: with what dockerd calls its endpoint. `ids`: of these networks, by name. */
export function withEndpointShown<View extends ListedContainer>(view: View, ids: ReadonlyMap<string, string>): View {
  const network = networkOf(view);
  const networkId = ids.get(network);
  if (networkId === undefined || !isInAddressless(view)) return view;
  const known = shown.get(view);
  if (known?.endpoint?.networkId === networkId) return known as View; // it was made of this one
  const made = { ...view, endpoint: endpointIn({ name: network, id: networkId }, view) };
  shown.set(view, made);
  return made;
}

/** The network with those that run in it, which no endpoint of the log tells of. `running`: all containers that do. */
export function withContainersShown(network: NetworkView, running: readonly ListedContainer[]): NetworkView {
  if (network.driver === 'bridge') return network;
  const inIt = running.filter((view) => networkOf(view) === network.name);
  return { ...network, endpoints: inIt.map((view) => ({ container: view.id, name: view.name, ...endpointIn(network, view) })) };
}

/** Named as others are: by the container and its run. */
function endpointIn(network: Pick<NetworkView, 'name' | 'id'>, { id, startNumber }: ListedContainer): EndpointSettings {
  return { network: network.name, networkId: network.id, endpointId: `${id}-${startNumber}`, bridge: '', address: '', prefixLength: 0, gateway: '', mac: '', mtu: 0, ports: [] };
}
