import type { HostConfig } from '#contracts/containers/container-config.js';
import { invalid, notImplemented, unclassified } from '#libs/errors/errors.js';
import { isRunning, type PresentContainer } from '../container/container-state.js';

/** Another container of the default bridge, and what it is called in the one that names it. */
export interface Link {
  readonly alias: string;
  readonly target: PresentContainer;
}

/** `hosts`: "names:address", several names with a space between. `environment`: below what the container itself was given. */
export interface LinkFacts {
  readonly hosts: readonly string[];
  readonly environment: readonly string[];
}

export const NO_LINKS: LinkFacts = { hosts: [], environment: [] };

type Find = (reference: string) => PresentContainer | undefined;
type Mode = 'bridge' | 'host' | 'container' | 'none' | 'named';

const UNDEFINED = 'This would result in undefined behavior';
const HOST_CONFLICT = `conflicting options: host type networking can't be used with links. ${UNDEFINED}`;

/** `--link` as it is kept: "<id>:<alias>" each, since names change. What shares another's network is linked to by that other. Throws dockerd's errors. */
export function linksToKeep(host: HostConfig, find: Find): string[] {
  const kept = new Map<string, string>();
  const asked = host.Links ?? [];
  if (asked.length === 0) return [];
  const own = modeOf(host);
  if (own === 'host') throw invalid(HOST_CONFLICT);
  if (own === 'container') throw invalid(`conflicting options: container type network can't be used with links. ${UNDEFINED}`);
  if (own === 'named') throw notImplemented(`Berth does not support links on the network ${host.NetworkMode ?? ''} yet: containers find one another there by name`);
  for (const text of asked) {
    const { name, alias } = parseLink(text);
    const { id, hostConfig } = ownerOfNetwork(name, find).spec;
    if (modeOf(hostConfig) === 'host') throw invalid(HOST_CONFLICT);
    // "db:" names nothing, and is nothing to dockerd.
    if (alias !== '' && !kept.has(alias)) kept.set(alias, `${id}:${alias}`);
  }
  return [...kept.values()];
}

/** The links of a container whose other end is still there. */
export function linksOf(host: HostConfig, find: Find): Link[] {
  return (host.Links ?? []).flatMap((text) => {
    const { name, alias } = parseLink(text);
    const target = find(name);
    return target ? [{ alias, target }] : [];
  });
}

/** All that links call containers: "web/db", by the id of whom that means. */
export function linkNames(all: readonly PresentContainer[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { spec } of all) {
    for (const text of spec.hostConfig.Links ?? []) {
      const { name: target, alias } = parseLink(text);
      const known = names.get(target);
      if (known) known.push(`${spec.name}/${alias}`);
      else names.set(target, [`${spec.name}/${alias}`]);
    }
  }
  return names;
}

/** The container whose link a reference names, and what the link is called there; undefined where it has no slash within. */
export function parseLinkName(reference: string): { readonly owner: string; readonly alias: string } | undefined {
  const [, owner, alias] = /^\/?(.+)\/([^/]+)$/.exec(reference) ?? [];
  return owner === undefined || alias === undefined ? undefined : { owner, alias };
}

export const withoutLink = (host: HostConfig, alias: string): HostConfig => ({ ...host, Links: (host.Links ?? []).filter((text) => parseLink(text).alias !== alias) });

/** As inspect shows it. */
export const shownLink = (owner: string, { alias, target }: Link): string => `/${target.spec.name}:/${owner}/${alias}`;

/** What a start needs of the links; nothing off the default bridge. Throws, in dockerd's words, for another end that cannot be reached. */
export function linkFacts(owner: PresentContainer, links: readonly Link[]): LinkFacts {
  if (modeOf(owner.spec.hostConfig) !== 'bridge') return NO_LINKS;
  const facts = links.map((link) => {
    const { alias, target } = link;
    const { config, hostConfig, name } = target.spec;
    if (modeOf(hostConfig) !== 'bridge') throw unclassified(`Cannot link to /${name}, as it does not belong to the default network`);
    const address = target.run.endpoint?.address;
    if (!isRunning(target) || address === undefined) throw unclassified(`Cannot link to a non running container: /${name} AS /${owner.spec.name}/${alias}`);
    const names = [...new Set([alias, config.Hostname ?? '', name])].filter((known) => known !== '');
    return { host: `${names.join(' ')}:${address}`, environment: linkEnvironment(owner.spec.name, link, address) };
  });
  return { hosts: facts.map(({ host }) => host), environment: facts.flatMap(({ environment }) => environment) };
}

/** "name", "name:alias", or what inspect shows of a link. */
function parseLink(text: string): { readonly name: string; readonly alias: string } {
  if (text === '') throw unclassified('empty string specified for links');
  const [name = '', alias = name, ...more] = text.split(':');
  if (more.length > 0) throw unclassified(`bad format for links: ${text}`);
  return name.startsWith('/') ? { name: name.slice(1), alias: alias.slice(alias.lastIndexOf('/') + 1) } : { name, alias };
}

/** Not-found would have clients look for an image. */
function ownerOfNetwork(name: string, find: Find): PresentContainer {
  for (let reference = name; ; ) {
    const container = find(reference);
    if (!container) throw invalid(`could not get container for ${reference}: ${reference === '' ? 'invalid name or ID supplied: ""' : `No such container: ${reference}`}`);
    const shared = /^container:(.+)$/.exec(container.spec.hostConfig.NetworkMode ?? '')?.[1];
    if (shared === undefined) return container;
    reference = shared;
  }
}

/** The variables of Docker's legacy links: where each exposed port is, runs of three and more ports as ranges, too, and the other's own variables. */
function linkEnvironment(owner: string, { alias, target }: Link, address: string): string[] {
  const { ExposedPorts, Env } = target.spec.config;
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const ports = Object.keys(ExposedPorts ?? {}).map(portOf).toSorted((one, other) => one.port - other.port || (one.protocol === 'tcp' ? -1 : 1));
  const url = ({ port, protocol }: Port): string => `${protocol}://${address}:${port}`;
  const key = ({ port, protocol }: Port): string => `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
  const [first] = ports;
  const inherited = (Env ?? []).filter((variable) => /^(?!HOME=|PATH=)[^=]+=/.test(variable));
  return [
    ...(first ? [`${prefix}_PORT=${url(first)}`] : []),
    ...runsOf(ports).flatMap(([start, end]) => [
      `${key(start)}_START=${url(start)}`, `${key(start)}_ADDR=${address}`, `${key(start)}_PROTO=${start.protocol}`, `${key(start)}_PORT_START=${start.port}`,
      `${key({ ...end, port: start.port })}_END=${url(end)}`, `${key({ ...end, port: start.port })}_PORT_END=${end.port}`,
    ]),
    ...ports.flatMap((port) => [`${key(port)}=${url(port)}`, `${key(port)}_ADDR=${address}`, `${key(port)}_PORT=${port.port}`, `${key(port)}_PROTO=${port.protocol}`]),
    `${prefix}_NAME=/${owner}/${alias}`,
    ...inherited.map((variable) => `${prefix}_ENV_${variable}`),
  ];
}

interface Port {
  readonly port: number;
  readonly protocol: string;
}

function portOf(text: string): Port {
  const [port = '', protocol = 'tcp'] = text.split('/');
  return { port: Number(port), protocol };
}

/** First and last of each run of three and more neighbours. */
function runsOf(ports: readonly Port[]): (readonly [Port, Port])[] {
  const runs: Port[][] = [];
  for (const port of ports) {
    const run = runs.at(-1);
    if (run && port.port <= (run.at(-1)?.port ?? 0) + 1) run.push(port);
    else runs.push([port]);
  }
  return runs.flatMap((run) => {
    const [start, end] = [run[0], run.at(-1)];
    return run.length > 2 && start && end ? [[start, end] as const] : [];
  });
}

function modeOf({ NetworkMode: mode = '' }: HostConfig): Mode {
  if (mode.startsWith('container:')) return 'container';
  if (mode === '' || mode === 'default' || mode === 'bridge') return 'bridge';
  return mode === 'host' || mode === 'none' ? mode : 'named';
}
