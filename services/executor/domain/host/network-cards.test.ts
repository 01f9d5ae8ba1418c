import { expect, test } from 'vitest';
import { linksOfTheHost } from './network-cards.js';

test('a bridge is the host\'s own network where a card is in it, or a part of one, and somebody\'s guests\' where none is', () => {
  const links = [
    { index: 1, name: 'lo', up: true },
    { index: 2, name: 'eth0', up: true, master: 5 },
    { index: 3, name: 'eth1', up: true },
    { index: 4, name: 'eth1.7', up: true, kind: 'vlan', master: 6 },
    { index: 5, name: 'br0', up: true, kind: 'bridge' },
    { index: 6, name: 'br7', up: true, kind: 'bridge' },
    { index: 7, name: 'virbr0', up: true, kind: 'bridge' },
    { index: 8, name: 'vnet0', up: true, kind: 'tun', master: 7 },
    { index: 9, name: 'docker0', up: true, kind: 'bridge' },
    { index: 10, name: 'wg0', up: true, kind: 'wireguard' },
  ];
  expect(linksOfTheHost(links)).toEqual(['lo', 'eth0', 'eth1', 'eth1.7', 'br0', 'br7', 'vnet0', 'wg0']);
});
