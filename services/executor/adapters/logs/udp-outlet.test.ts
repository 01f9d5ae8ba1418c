import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { UdpOutlet } from './udp-outlet.js';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('an address that cannot be had leaves no socket open', async () => {
  const outlet = new UdpOutlet('255.255.255.255', 514); // EACCES without SO_BROADCAST, udp(7)
  await expect(outlet.connect()).rejects.toThrow(/^dial udp 255/);
  const before = descriptors();
  for (let time = 0; time < 5; time++) await outlet.connect().catch(() => undefined);
  expect(descriptors()).toBe(before);
});
