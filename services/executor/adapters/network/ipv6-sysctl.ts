import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * In the network namespace of the calling thread, for one link or "all". A kernel without IPv6 has none of these, and nothing to switch off; an engine in a container may find the value set and
 * the file read-only.
 */
export function setIpv6Sysctl(link: string, key: 'accept_ra' | 'disable_ipv6', value: string): void {
  const path = `/proc/sys/net/ipv6/conf/${link}/${key}`;
  try {
    writeFileSync(path, value);
  } catch (error) {
    if (existsSync(path) && readFileSync(path, 'utf8').trim() !== value) throw error;
  }
}
