import type { ListedContainer } from '#contracts/containers/container-state.js';
import { errorMessage, invalid, notFound, unclassified } from '#libs/errors/errors.js';
import type { Filters } from './filters.js';
import { anyOf, booleanFilter, labelsFit, nameFilter } from './filters.js';
import { goInteger } from './go-numbers.js';

export const CONTAINER_FILTERS = ['id', 'name', 'label', 'status', 'exited', 'ancestor', 'network', 'volume', 'before', 'since', 'health', 'publish', 'expose', 'is-task', 'isolation'];

const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

const HEALTH = ['none', 'starting', 'healthy', 'unhealthy'];

/** Asking for a state means all containers and not those that run; nothing else does with dockerd. */
export const wantsAll = (filters: Filters): boolean => (filters.get('status') ?? []).length > 0;

/** The containers that fit, in the order given (newest first). `meant`: which image each `ancestor` value names; one that names none fits nothing. `descendants`: what stands on these images. */
export function filterContainers(views: readonly ListedContainer[], filters: Filters, meant: ReadonlyMap<string, string | null>, descendants: ReadonlyMap<string, ReadonlySet<string>> = new Map()): readonly ListedContainer[] {
  for (const status of filters.get('status') ?? []) {
    if (!STATUSES.includes(status)) throw invalid(`invalid filter 'status=${status}': invalid value for state (${status}): must be one of ${STATUSES.join(', ')}`);
  }
  for (const code of filters.get('exited') ?? []) {
    try {
      goInteger('Atoi', code);
    } catch (error) {
      throw invalid(`invalid filter 'exited=${code}': ${errorMessage(error)}`, error);
    }
  }
  for (const health of filters.get('health') ?? []) {
    if (!HEALTH.includes(health)) throw invalid(`invalid filter 'health=${health}': invalid value for health (${health}): must be one of ${HEALTH.join(', ')}`);
  }
  booleanFilter(filters, 'is-task');
  const published = (filters.get('publish') ?? []).map((text) => portRange('publish', text));
  const exposed = (filters.get('expose') ?? []).map((text) => portRange('expose', text));
  const bound = (name: 'before' | 'since'): number | undefined => {
    const wanted = filters.get(name)?.at(-1);
    if (wanted === undefined) return undefined;
    const at = views.findIndex((view) => view.name === wanted.replace(/^\//, '') || view.id.startsWith(wanted));
    if (at < 0) throw notFound(`No such container: ${wanted}`);
    return at;
  };
  const before = bound('before');
  const since = bound('since');
  const named = nameFilter(filters);
  const ancestry = (name: string, imageId: string): boolean => {
    const id = meant.get(name) ?? undefined;
    return id !== undefined && (imageId === id || descendants.get(id)?.has(imageId) === true);
  };
  return views.filter((view, at) => (before === undefined || at > before) && (since === undefined || at < since) && named(view.name) && fits(view, filters, ancestry) && portsFit(view, published, exposed));
}

/** `isOf`: whether an image is the one that an `ancestor` names, or stands on it. */
function fits(view: ListedContainer, filters: Filters, isOf: (ancestor: string, imageId: string) => boolean): boolean {
  const networks = view.endpoint === undefined ? [networkOf(view)] : [view.endpoint.network, view.endpoint.networkId];
  return (
    labelsFit(filters, view.config.Labels) &&
    anyOf(filters, 'id', (id) => view.id.startsWith(id)) &&
    anyOf(filters, 'status', (status) => view.status === status) &&
    anyOf(filters, 'exited', (code) => view.finishedAt !== '' && view.status !== 'running' && view.exitCode === Number(code)) &&
    anyOf(filters, 'ancestor', (image) => isOf(image, view.imageId)) &&
    anyOf(filters, 'network', (network) => networks.some((name) => name === network || (network.length >= 12 && name.startsWith(network)))) &&
    anyOf(filters, 'volume', (volume) => view.mounts.some((mount) => mount.name === volume || mount.target === volume)) &&
    anyOf(filters, 'health', (health) => health === (view.health?.status ?? 'none')) &&
    anyOf(filters, 'is-task', (value) => value === 'false' || value === '0') &&
    anyOf(filters, 'isolation', (value) => value === '' || value === 'default')
  );
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** "80", "80/udp", "8000-8010/tcp". Throws as dockerd does for what is none; a protocol that is none fits nothing. */
function portRange(filter: string, text: string): PortRange {
  if (text.includes(':')) throw unclassified(`filter for '${filter}' should not contain ':': ${text}`);
  const [ports = '', protocol = ''] = text.split('/');
  try {
    return { ...portsOf(ports), protocol: protocol || 'tcp' };
  } catch (error) {
    throw unclassified(`error while looking up for ${filter} ${text}: ${errorMessage(error)}`, error);
  }
}

/** As go-connections' ParsePortRange. */
function portsOf(text: string): Pick<PortRange, 'first' | 'last'> {
  if (text === '') throw new SyntaxError('Empty string specified for ports.');
  const [from = '', to = from] = text.split('-');
  const [first, last] = [goInteger('ParseUint', from), goInteger('ParseUint', to)];
  if (last < first) throw new SyntaxError(`Invalid range specified for the Port: ${text}`);
  return { first, last };
}

/** `publish` asks for ports of the host, `expose` for the container's. */
function portsFit(view: ListedContainer, published: readonly PortRange[], exposed: readonly PortRange[]): boolean {
  const has = (ranges: readonly PortRange[], ports: readonly (readonly [port: number, protocol: string])[]): boolean =>
    ranges.length === 0 || ranges.some(({ first, last, protocol }) => ports.some(([port, of]) => of === protocol && port >= first && port <= last));
  const isUp = view.status === 'running' || view.status === 'paused' || view.status === 'restarting';
  const live = isUp ? (view.endpoint?.ports ?? []) : [];
  const declared = isUp ? Object.keys(view.config.ExposedPorts ?? {}).map((port) => [Number.parseInt(port, 10), port.split('/')[1] ?? 'tcp'] as const) : [];
  return (
    has(published, live.map(({ hostPort, protocol }) => [hostPort, protocol] as const)) && has(exposed, [...declared, ...live.map(({ containerPort, protocol }) => [containerPort, protocol] as const)])
  );
}

export function networkOf(view: ListedContainer): string {
  const mode = view.hostConfig.NetworkMode ?? '';
  return mode === '' || mode === 'default' ? 'bridge' : mode;
}
