import { expect, test } from 'vitest';
import type { NetworkView } from '#contracts/networks/networks.js';
import { dockerNetwork } from './network.js';

const view: NetworkView = { id: 'n', name: 'n', createdAt: '', driver: 'bridge', subnet: '', gateway: '', bridge: '', mtu: 1500, internal: false, options: {}, labels: {}, endpoints: [] };

test('a network without addresses has no list of them', () => {
  expect(dockerNetwork({ ...view, driver: 'host' }, undefined, '1.51')).toMatchObject({ IPAM: { Config: null } });
  expect(dockerNetwork({ ...view, subnet: '10.0.0.0/24', gateway: '10.0.0.1' }, undefined, '1.51')).toMatchObject({ IPAM: { Config: [{ Subnet: '10.0.0.0/24', Gateway: '10.0.0.1' }] } });
});
