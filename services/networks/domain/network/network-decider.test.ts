import { test } from 'vitest';
import type { NetworkEvent } from '#contracts/networks/events.js';
import { specify } from '#libs/event-store/testing/specify.js';
import { type NetworkCommand, networkDecider } from './network-decider.js';

const at = '2026-01-01T00:00:00.000000000Z';
const first = { id: 'n1', subnet: '172.17.0.0/16', gateway: '172.17.0.1', bridge: 'berth0', options: { name: 'berth0' }, at };
const other = { ...first, subnet: '10.9.0.0/16', gateway: '10.9.0.1' };
const rest = { name: 'bridge', driver: 'bridge', mtu: 1500, internal: false, labels: {} } as const;
const created: NetworkEvent = { type: 'NetworkCreated', ...rest, ...first };
const changed: NetworkEvent = { type: 'NetworkChanged', ...other };
const change = (wished: typeof first, ...heldBy: readonly string[]): NetworkCommand => ({ type: 'Change', ...wished, heldBy });
const given = specify(networkDecider);

test('a network is created once', () => {
  given().when({ type: 'Create', ...rest, ...first }).then(created);
  given(created).when({ type: 'Create', ...rest, ...other }).then();
});
test('it gets other addresses while nobody has one of it, and back', () => {
  given(created).when(change(other)).then(changed);
  given(created, changed).when(change(other)).then();
  given(created, changed).when(change(first)).then({ type: 'NetworkChanged', ...first });
});
test('another bridge is a change, too', () => given(created).when(change({ ...first, bridge: 'br1' })).then({ type: 'NetworkChanged', ...first, bridge: 'br1' }));
test('what is as wished does not change, whoever has an address', () => given(created).when(change(first, 'web')).then());
test('while containers have addresses of it, both are named', () =>
  given(created).when(change(other, 'web', 'db')).thenRefused('conflict', /network bridge is 172\.17\.0\.0\/16 on berth0 and cannot become 10\.9\.0\.0\/16 on berth0 .*: web, db$/));
test('one that is not there cannot change', () => given().when(change(other)).thenRefused('not-found', /n1 not found/));
