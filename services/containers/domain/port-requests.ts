import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { PublishedPort } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';

/** "80/tcp" → 80, tcp. */
export function parsePort(text: string): { port: number; protocol: PublishedPort['protocol'] } {
  const [number = '', protocol = 'tcp', ...rest] = text.split('/');
  const port = Number(number);
  if (!/^\d+$/.test(number) || port < 1 || port > 65535 || !isProtocol(protocol) || rest.length > 0) throw invalid(`invalid port specification: "${text}"`);
  return { port, protocol };
}

const isProtocol = (text: string): text is PublishedPort['protocol'] => text === 'tcp' || text === 'udp' || text === 'sctp';

/** What -p and -P ask for; hostPort 0 is any free one. */
export function portRequests(config: ContainerConfig, hostConfig: HostConfig): PublishedPort[] {
  const asked = Object.entries(hostConfig.PortBindings ?? {}).flatMap(([key, bindings]) => {
    const { port, protocol } = parsePort(key);
    return (bindings ?? []).map((binding): PublishedPort => {
      const hostPort = binding.HostPort ? Number(binding.HostPort) : 0;
      if (!/^\d*$/.test(binding.HostPort ?? '') || hostPort > 65535) throw invalid(`invalid port specification: "${binding.HostPort ?? ''}"`);
      return { containerPort: port, protocol, hostIp: binding.HostIp ?? '', hostPort };
    });
  });
  if (!hostConfig.PublishAllPorts) return asked;
  const exposed = Object.keys(config.ExposedPorts ?? {}).map(parsePort);
  const rest = exposed.filter(({ port, protocol }) => !asked.some((one) => one.containerPort === port && one.protocol === protocol));
  return [...asked, ...rest.map(({ port, protocol }): PublishedPort => ({ containerPort: port, protocol, hostIp: '', hostPort: 0 }))];
}
