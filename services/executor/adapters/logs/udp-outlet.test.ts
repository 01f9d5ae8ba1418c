import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MessageTooLong } from './log-outlet.js';
import { UdpOutlet } from './udp-outlet.js';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('an address that cannot be had leaves no socket open', async () => {
  const outlet = new UdpOutlet('255.255.255.255', 514); // EACCES without SO_BROADCAST, udp(7)
  await expect(outlet.connect()).rejects.toThrow(/^dial udp 255/);
  const before = descriptors();
  for (let time = 0; time < 5; time++) await outlet.connect().catch(() => undefined);
  expect(descriptors()).toBe(before);
});

test('what this host did not let go is not taken for sent', async () => {
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  const outlet = new UdpOutlet('127.0.0.1', server.address().port);
  await expect(outlet.send(Buffer.alloc(70_000))).rejects.toThrow(MessageTooLong); // udp(7): 65,507 bytes
  const came = once(server, 'message');
  await outlet.send(Buffer.from('one'));
  expect(String((await came)[0])).toBe('one');
  const sending = outlet.send(Buffer.from('two'));
  outlet[Symbol.dispose]();
  await expect(sending).rejects.toThrow('closed');
  server.close();
});
