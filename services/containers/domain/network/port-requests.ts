import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { PortRequest, PublishedPort } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import { isIpAddress, isIpv4Address } from './ip-address.js';

/** "80/tcp" → 80, tcp. */
export function parsePort(text: string): { port: number; protocol: PublishedPort['protocol'] } {
  const [number = '', protocol = 'tcp', ...rest] = text.split('/');
  const port = Number(number);
  if (!/^\d+$/.test(number) || port < 1 || port > 65535) throw invalid(`invalid port specification: "${number}"`);
  if (!isProtocol(protocol) || rest.length > 0) throw invalid(`invalid port specification: "${text}"`);
  return { port, protocol };
}

const isProtocol = (text: string): text is PublishedPort['protocol'] => text === 'tcp' || text === 'udp' || text === 'sctp';

/** "8080", "8000-8010", or '' for any free one. */
function parseHostPort(text: string): Pick<PortRequest, 'hostPort' | 'hostPortEnd'> {
  if (text === '') return { hostPort: 0 };
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [hostPort, hostPortEnd] = [Number(first), Number(last)];
  if (first === '' || hostPortEnd > 65535 || hostPortEnd < hostPort) throw invalid(`invalid port specification: "${text}"`);
  return hostPortEnd === hostPort ? { hostPort } : { hostPort, hostPortEnd };
}

/** An address of the host, or '' for any. A name is none: nobody is asked what it stands for. "::" is any address, too, so that what asks for it beside 0.0.0.0 has what it can have. */
function parseHostIp(text: string): string {
  if (text === '' || text === '::' || isIpv4Address(text)) return text;
  if (isIpAddress(text)) throw invalid(`cannot publish a port on ${text}: the networks of containers have no IPv6, use an IPv4 address`);
  throw invalid(`invalid IP address: ${text}`);
}

/** What -p and -P ask for. Of what is bound, that which is exposed by the very words ("80" is another than "80/tcp"), as with dockerd: clients expose what they publish. */
export function portRequests(config: ContainerConfig, hostConfig: HostConfig): PortRequest[] {
  const exposedPorts = config.ExposedPorts ?? {};
  const asked = Object.entries(hostConfig.PortBindings ?? {}).flatMap(([key, bindings]) => {
    const { port, protocol } = parsePort(key);
    const requests = (bindings ?? []).map((binding): PortRequest => ({ containerPort: port, protocol, hostIp: parseHostIp(binding.HostIp ?? ''), ...parseHostPort(binding.HostPort ?? '') }));
    return Object.hasOwn(exposedPorts, key) ? requests : [];
  });
  if (!hostConfig.PublishAllPorts) return asked;
  // A client may send a range, or no number at all: dockerd takes it for no port.
  const exposed = Object.keys(exposedPorts).filter((text) => /^\d+(\/|$)/.test(text)).map(parsePort);
  const rest = exposed.filter(({ port, protocol }) => !asked.some((one) => one.containerPort === port && one.protocol === protocol));
  return [...asked, ...rest.map(({ port, protocol }): PortRequest => ({ containerPort: port, protocol, hostIp: '', hostPort: 0 }))];
}
