import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Fd } from '#libs/linux/native.js';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';

/** -1: the engine's own network. */
export function visiting<T>(namespace: Fd, visit: () => T extends PromiseLike<unknown> ? never : T): T {
  return namespace < 0 ? visit() : inNetworkNamespace(namespace, visit);
}

/** Of the network of the calling thread, as those below. */
export const sysctl = (key: string): string => readFileSync(`/proc/sys/${key}`, 'utf8').trim();

/** Reads first: an engine in a container may find the value set and the file read-only. */
export function setSysctl(key: string, value: string): void {
  if (sysctl(key) !== value) writeFileSync(`/proc/sys/${key}`, value);
}

/** For one link or "all". Writes first, since in a new network the value is another. A kernel without IPv6 has none of these, and nothing to switch off. */
export function setIpv6Sysctl(link: string, key: 'accept_ra' | 'disable_ipv6', value: string): void {
  const name = `net/ipv6/conf/${link}/${key}`;
  try {
    writeFileSync(`/proc/sys/${name}`, value);
  } catch (error) {
    if (existsSync(`/proc/sys/${name}`) && sysctl(name) !== value) throw error;
  }
}
