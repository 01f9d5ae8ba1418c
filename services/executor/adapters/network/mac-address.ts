/** The MAC that belongs to an address, as Docker makes it: 02:42 (locally administered), then the four bytes. So no two endpoints of a network share one. */
export function macOf(ipv4Address: string): string {
  return ['02', '42', ...ipv4Address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}
