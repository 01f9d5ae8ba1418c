import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import { invalid } from '#libs/errors/errors.js';

/** The container whose network it is to be: name or id, of "container:…". */
export const sharedNetwork = (mode: string | undefined): string | undefined => /^container:(.+)$/.exec(mode ?? '')?.[1];

/** What a container has of the one whose network it shares cannot be asked for, too. Throws invalid in dockerd's words. */
export function checkSharedNetwork(config: ContainerConfig, host: HostConfig): void {
  if (sharedNetwork(host.NetworkMode) === undefined) return;
  const conflicting = (what: string): Error => invalid(`conflicting options: ${what}`);
  if (config.Hostname) throw conflicting('hostname and the network mode');
  if ((host.Dns ?? []).length > 0) throw conflicting('dns and the network mode');
  if ((host.ExtraHosts ?? []).length > 0) throw conflicting('custom host-to-IP mapping and the network mode');
  if (Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts) throw conflicting('port publishing and the container type network mode');
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) throw conflicting('port exposing and the container type network mode');
}
