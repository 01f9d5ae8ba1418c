import { invalid } from '#libs/errors/errors.js';

export interface Ipv4Subnet {
  /** The network's own address as a number. */
  readonly base: number;
  readonly prefixLength: number;
}

export function parseIpv4(text: string): number {
  const bytes = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) throw invalid(`invalid IPv4 address: ${text}`);
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

export function formatIpv4(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/** Addresses in the subnet, network and broadcast included. */
export const sizeOf = (subnet: Ipv4Subnet): number => 2 ** (32 - subnet.prefixLength);

/** "172.17.0.0/16" or "172.17.0.1/16": host bits are dropped. */
export function parseSubnet(text: string): Ipv4Subnet {
  const [address = '', prefix = ''] = text.split('/');
  const prefixLength = /^\d{1,2}$/.test(prefix) ? Number(prefix) : 99;
  if (prefixLength > 30) throw invalid(`invalid subnet: ${text}`);
  const number = parseIpv4(address);
  return { base: number - (number % 2 ** (32 - prefixLength)), prefixLength };
}
