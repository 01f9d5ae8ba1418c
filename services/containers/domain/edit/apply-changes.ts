import type { ContainerConfig, HostConfig, PortBinding } from '#contracts/containers/container-config.js';
import type { ContainerChanges } from '#contracts/containers/edit.js';
import { conflict, invalid } from '#libs/errors/errors.js';
import { commandLine } from '../image-defaults.js';
import type { ContainerSpec } from '../container/container-state.js';
import { unhealthyRestartsOf } from '../health/health.js';
import { networkWithEndpoint } from '../launch-request.js';
import { withChanges } from '../resources/limit-changes.js';
import { parseBind } from '../mounts/mount-requests.js';
import { parsePort } from '../network/port-requests.js';

/** What an edit can change of a container; the rest it is made with. Mounts but for those that are new: they have to be prepared. */
export type EditableSpec = Pick<ContainerSpec, 'config' | 'hostConfig' | 'path' | 'args' | 'mounts' | 'restartWhenUnhealthy'>;

/** The wish as it is after `changes`. Throws invalid or conflict for what cannot be. */
export function applyChanges(spec: EditableSpec, changes: ContainerChanges): EditableSpec {
  const unmounted = new Set((changes.unmount ?? []).map(targetOf));
  for (const target of unmounted) if (!spec.mounts.some((mount) => mount.target === target)) throw invalid(`nothing is mounted at ${target}`);
  const config = withoutVolumes(editedConfig(spec.config, changes), unmounted);
  const hostConfig = withPorts(withMounts(withChanges(spec.hostConfig, changes.limits ?? {}), changes, unmounted), config, changes);
  const published = withExposed(config, spec.hostConfig, changes);
  const [path, ...args] = changes.command === undefined ? [spec.path, ...spec.args] : commandLine(published);
  const restarts = restartsWhenUnhealthy(spec, changes);
  return { config: published, hostConfig, path, args, mounts: spec.mounts.filter(({ target }) => !unmounted.has(target)), ...(restarts === undefined ? {} : { restartWhenUnhealthy: restarts }) };
}

function editedConfig(config: ContainerConfig, { setEnv = [], unsetEnv = [], command, setLabels = {}, unsetLabels = [] }: ContainerChanges): ContainerConfig {
  for (const variable of setEnv) if (!/^[^=]+=/.test(variable)) throw invalid(`invalid environment variable: ${variable}: give NAME=value`);
  const replaced = new Map(setEnv.map((variable) => [nameOf(variable), variable]));
  const kept = (config.Env ?? []).filter((variable) => !unsetEnv.includes(nameOf(variable))).map((variable) => {
    const value = replaced.get(nameOf(variable));
    replaced.delete(nameOf(variable));
    return value ?? variable;
  });
  const labels = Object.fromEntries(Object.entries(config.Labels ?? {}).filter(([name]) => !unsetLabels.includes(name)));
  const touchesEnv = setEnv.length > 0 || unsetEnv.length > 0;
  const touchesLabels = Object.keys(setLabels).length > 0 || unsetLabels.length > 0;
  return { ...config, ...(touchesEnv ? { Env: [...kept, ...replaced.values()] } : {}), ...(command === undefined ? {} : { Cmd: command }), ...(touchesLabels ? { Labels: { ...labels, ...setLabels } } : {}) };
}

const nameOf = (variable: string): string => variable.split('=')[0] ?? '';

function withPorts(host: HostConfig, config: ContainerConfig, { publish = {}, unpublish = [] }: ContainerChanges): HostConfig {
  if (Object.keys(publish).length === 0 && unpublish.length === 0) return host;
  if (networkWithEndpoint({ config, hostConfig: host }) === undefined) throw conflict(`the container has no ports to publish: ${config.NetworkDisabled ? 'it was made without a network' : `its network mode is ${host.NetworkMode ?? ''}`}`);
  const bindings: Record<string, PortBinding[]> = {};
  for (const [key, held] of Object.entries(host.PortBindings ?? {})) bindings[key] = [...(held ?? [])];
  for (const port of unpublish) {
    const { key, isMeant } = boundPort(port);
    const held = bindings[key] ?? [];
    const left = isMeant === undefined ? [] : held.filter((one) => !isMeant(one));
    const isPublished = isMeant === undefined ? key in bindings || (host.PublishAllPorts && key in (config.ExposedPorts ?? {})) : left.length < held.length;
    if (!isPublished) throw invalid(isMeant === undefined ? `the container publishes no port ${key}${inverse(bindings, key)}` : `the container does not publish ${port}`);
    if (left.length === 0) delete bindings[key];
    else bindings[key] = left;
  }
  for (const [port, wanted] of Object.entries(publish)) {
    const list = (bindings[portKey(port)] ??= []);
    for (const { HostIp = '', HostPort = '' } of wanted ?? []) if (!list.some((one) => (one.HostIp ?? '') === HostIp && (one.HostPort ?? '') === HostPort)) list.push({ HostIp, HostPort });
  }
  return { ...host, PortBindings: bindings };
}

/** Who names the host's port means the container's behind it. */
function inverse(bindings: Readonly<Record<string, readonly PortBinding[]>>, key: string): string {
  const [number, protocol] = key.split('/');
  const behind = Object.keys(bindings).find((one) => one.endsWith(`/${protocol}`) && bindings[one]?.some(({ HostPort }) => HostPort === number));
  return behind === undefined ? '' : `: port ${number} of the host is its ${behind}`;
}

/** What is published is exposed. What is no more published is no more exposed where that alone would publish it (-P). */
function withExposed(config: ContainerConfig, host: HostConfig, { publish = {}, unpublish = [] }: ContainerChanges): ContainerConfig {
  const exposed = { ...config.ExposedPorts };
  for (const port of unpublish) {
    const { key, isMeant } = boundPort(port);
    if (host.PublishAllPorts && isMeant === undefined) delete exposed[key];
  }
  for (const port of Object.keys(publish)) exposed[portKey(port)] ??= {};
  return Object.keys(publish).length === 0 && unpublish.length === 0 ? config : { ...config, ExposedPorts: exposed };
}

interface BoundPort {
  readonly key: string;
  /** Of the ports of the host; absent: all of them. */
  readonly isMeant?: (binding: PortBinding) => boolean;
}

/** "80/udp", or one of the ports of the host behind which it is: "8080:80/udp", "127.0.0.1:8080:80". */
function boundPort(text: string): BoundPort {
  const [, address, hostPort, port = text] = /^(?:(.*):)?(\d+):([^:]+)$/.exec(text) ?? [];
  const key = portKey(port);
  if (hostPort === undefined) return { key };
  const wanted = address?.replace(/^\[(.*)\]$/, '$1');
  return { key, isMeant: ({ HostIp = '', HostPort = '' }) => HostPort === hostPort && (wanted === undefined || wanted === HostIp || (wanted === '0.0.0.0' && HostIp === '')) };
}

function portKey(text: string): string {
  const { port, protocol } = parsePort(text);
  return `${port}/${protocol}`;
}

function withMounts(host: HostConfig, { binds = [], mounts = [] }: ContainerChanges, unmounted: ReadonlySet<string>): HostConfig {
  if (binds.length === 0 && mounts.length === 0 && unmounted.size === 0) return host;
  const Tmpfs = Object.fromEntries(Object.entries(host.Tmpfs ?? {}).filter(([target]) => !unmounted.has(targetOf(target))));
  return {
    ...host,
    Binds: [...(host.Binds ?? []).filter((bind) => !unmounted.has(parseBind(bind).target)), ...binds],
    Mounts: [...(host.Mounts ?? []).filter(({ Target }) => !unmounted.has(targetOf(Target))), ...mounts],
    ...(host.Tmpfs ? { Tmpfs } : {}),
  };
}

function withoutVolumes(config: ContainerConfig, unmounted: ReadonlySet<string>): ContainerConfig {
  if (!config.Volumes || unmounted.size === 0) return config;
  return { ...config, Volumes: Object.fromEntries(Object.entries(config.Volumes).filter(([target]) => !unmounted.has(targetOf(target)))) };
}

/** As mounts have it: absolute, without a slash at the end. */
const targetOf = (text: string): string => `/${text.split('/').filter((part) => part !== '' && part !== '.').join('/')}`;

/** From a label of the client's own, as at the creation. */
function restartsWhenUnhealthy({ restartWhenUnhealthy }: EditableSpec, { setLabels = {}, unsetLabels = [] }: ContainerChanges): number | undefined {
  return unhealthyRestartsOf(setLabels) ?? (unsetLabels.includes('berth.restart') ? undefined : restartWhenUnhealthy);
}
