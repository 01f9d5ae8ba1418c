import type { ContainerView } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import type { Filters } from './filters.js';
import { anyOf, labelsFit, nameFits } from './filters.js';

export const CONTAINER_FILTERS = ['id', 'name', 'label', 'status', 'exited', 'ancestor', 'network', 'volume', 'before', 'since', 'health', 'publish', 'expose', 'is-task'];

const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

/** Asking for a state, or for what a stopped container alone has, means all containers and not those that run. */
export function wantsAll(filters: Filters): boolean {
  return filters.has('status') || filters.has('exited') || filters.has('before') || filters.has('since');
}

/** The containers that fit, in the order given (newest first). `imageIds`: what each `ancestor` value names, where it is an image. */
export function filterContainers(views: readonly ContainerView[], filters: Filters, imageIds: ReadonlyMap<string, string>): readonly ContainerView[] {
  for (const status of filters.get('status') ?? []) {
    if (!STATUSES.includes(status)) throw invalid(`invalid filter 'status=${status}'`);
  }
  for (const code of filters.get('exited') ?? []) {
    if (!/^-?\d+$/.test(code)) throw invalid(`invalid filter 'exited=${code}'`);
  }
  const bound = (name: 'before' | 'since'): number | undefined => {
    const wanted = filters.get(name)?.at(-1);
    if (wanted === undefined) return undefined;
    const at = views.findIndex((view) => view.name === wanted.replace(/^\//, '') || view.id.startsWith(wanted));
    if (at < 0) throw invalid(`no such container: ${wanted}`);
    return at;
  };
  const before = bound('before');
  const since = bound('since');
  return views.filter((view, at) => (before === undefined || at > before) && (since === undefined || at < since) && fits(view, filters, imageIds));
}

function fits(view: ContainerView, filters: Filters, imageIds: ReadonlyMap<string, string>): boolean {
  const networks = view.endpoint === undefined ? [networkOf(view)] : [view.endpoint.network, view.endpoint.networkId];
  const declared = Object.keys(view.config.ExposedPorts ?? {});
  return (
    labelsFit(filters, view.config.Labels) &&
    anyOf(filters, 'id', (id) => view.id.startsWith(id)) &&
    anyOf(filters, 'name', (name) => nameFits(name, view.name)) &&
    anyOf(filters, 'status', (status) => view.status === status) &&
    anyOf(filters, 'exited', (code) => view.finishedAt !== '' && view.status !== 'running' && view.exitCode === Number(code)) &&
    anyOf(filters, 'ancestor', (image) => view.imageRef === image || view.config.Image === image || view.imageId === imageIds.get(image)) &&
    anyOf(filters, 'network', (network) => networks.some((name) => name === network || (network.length >= 12 && name.startsWith(network)))) &&
    anyOf(filters, 'volume', (volume) => view.mounts.some((mount) => mount.name === volume || mount.target === volume)) &&
    anyOf(filters, 'health', (health) => health === 'none') &&
    anyOf(filters, 'is-task', (value) => value === 'false' || value === '0') &&
    anyOf(filters, 'expose', (port) => declared.some((one) => one === port || one === `${port}/tcp`)) &&
    anyOf(filters, 'publish', (port) => (view.endpoint?.ports ?? []).some((one) => `${one.containerPort}/${one.protocol}` === (port.includes('/') ? port : `${port}/tcp`)))
  );
}

export function networkOf(view: ContainerView): string {
  const mode = view.hostConfig.NetworkMode ?? '';
  return mode === '' || mode === 'default' ? 'bridge' : mode;
}
