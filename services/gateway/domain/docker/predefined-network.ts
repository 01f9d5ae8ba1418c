import type { EndpointSettings, ListedContainer } from '#contracts/containers/container-state.js';
import type { NetworkView } from '#contracts/networks/networks.js';
import { networkOf } from '../requests/container-filters.js';

/** Networks that are no bridge: what runs in one has no address there. dockerd gives it an endpoint nevertheless, of which nothing is to be told but its id. */
const ADDRESSLESS: readonly string[] = ['host', 'none'];

/** Networks that dockerd tells of where no endpoint is. */
export const REMEMBERED: readonly string[] = [...ADDRESSLESS, 'bridge'];

/** From its first start on, and for good, as dockerd remembers it. One that has an endpoint tells of its network itself. */
export function isRemembered(view: ListedContainer): boolean {
  if (view.startNumber === 0) return false;
  const network = networkOf(view);
  return ADDRESSLESS.includes(network) || (network === 'bridge' && view.endpoint === undefined && !['running', 'paused', 'restarting'].includes(view.status));
}

/** Kept, since the summary of a view that is the same one is not written out again. */
const shown = new WeakMap<ListedContainer, ListedContainer>();

/** The container as it is shown: with what dockerd calls its endpoint, or with the network that it was in. `ids`: of these networks, by name. */
export function withEndpointShown<View extends ListedContainer>(view: View, ids: ReadonlyMap<string, string>): View {
  const network = networkOf(view);
  const networkId = ids.get(network);
  if (networkId === undefined || !isRemembered(view)) return view;
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
