import { expect, test } from 'vitest';
import type { PublishedPort } from '#contracts/containers/container-state.js';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import { parseSubnet } from '../ipv4.js';
import type { PoolEvent } from '#contracts/networks/events.js';
import { macOf, type PoolCommand, poolDecider } from './pool-decider.js';

const at = '2026-01-01T00:00:00.000000000Z';
const subnet = parseSubnet('10.0.0.0/29'); // six addresses, one of them the gateway's
const tcp = (hostPort: number, hostIp = '', containerPort = 80): PublishedPort => ({ containerPort, protocol: 'tcp', hostIp, hostPort });
type Allocate = Extract<PoolCommand, { type: 'Allocate' }>;

const allocate = (endpoint: string, wish: Partial<Allocate> = {}): PoolCommand => ({ type: 'Allocate', endpoint, container: `c-${endpoint}`, name: endpoint, subnet, gateway: '10.0.0.1', ports: [], at, ...wish });
const allocated = (endpoint: string, address: string, ports: PublishedPort[] = []): PoolEvent => ({ type: 'EndpointAllocated', endpoint, container: `c-${endpoint}`, name: endpoint, address, mac: macOf(address), ports, at });
const release = (endpoint: string): PoolCommand => ({ type: 'Release', endpoint, at });
const released = (endpoint: string): PoolEvent => ({ type: 'EndpointReleased', endpoint, at });
const given = specify(poolDecider);
const full = ['a', 'b', 'c', 'd', 'e'].map((endpoint, index) => allocated(endpoint, `10.0.0.${index + 2}`));

test('the first container gets the first address after the gateway, and a MAC made of it', () => {
  given().when(allocate('a')).then(allocated('a', '10.0.0.2'));
  expect(macOf('172.17.0.2')).toBe('02:42:ac:11:00:02');
});
test('no two endpoints get the same address, and one given back is used again', () => {
  given(allocated('a', '10.0.0.2')).when(allocate('b')).then(allocated('b', '10.0.0.3'));
  given(allocated('a', '10.0.0.2'), allocated('b', '10.0.0.3'), released('a')).when(allocate('c')).then(allocated('c', '10.0.0.2'));
});
test('a full network says so', () => given(...full).when(allocate('f')).thenRefused('conflict', /no available IPv4 addresses/));
test('an address may be asked for when it is free and of this network', () => {
  given().when(allocate('a', { address: '10.0.0.5' })).then(allocated('a', '10.0.0.5'));
  given(allocated('a', '10.0.0.5')).when(allocate('b', { address: '10.0.0.5' })).thenRefused('conflict', /already in use/);
  given().when(allocate('a', { address: '10.0.0.1' })).thenRefused('conflict', /already in use/);
  for (const address of ['10.0.0.0', '10.0.0.7', '10.0.1.2', 'ten']) given().when(allocate('a', { address })).thenRefused('invalid');
});
test('a host port is given to one container at a time', () => {
  const held = allocated('a', '10.0.0.2', [tcp(8080)]);
  given(held).when(allocate('b', { ports: [tcp(8080)] })).thenRefused('unclassified', /endpoint b: Bind for 0\.0\.0\.0:8080 failed: port is already allocated/);
  given(held, released('a')).when(allocate('b', { ports: [tcp(8080)] })).then(allocated('b', '10.0.0.2', [tcp(8080)]));
});
test('what an earlier run of the container has yet is free for its next one, and for nobody else', () => {
  const former = allocated('a-1', '10.0.0.2', [tcp(8080)]);
  given(former).when(allocate('a-2', { ports: [tcp(8080)] })).then(released('a-1'), allocated('a-2', '10.0.0.2', [tcp(8080)]));
  given(former).when(allocate('b-2', { ports: [tcp(8080)] })).thenRefused('unclassified', /port is already allocated/);
  given(allocated('a-3', '10.0.0.2', [tcp(8080)])).when(allocate('a-2', { ports: [tcp(8080)] })).thenRefused('unclassified', /port is already allocated/);
  given(former, released('a-1'), allocated('a-2', '10.0.0.2')).when(release('a-1')).thenNothing();
});
test('one port on two host addresses, or of two protocols, is two ports', () => {
  const held = allocated('a', '10.0.0.2', [tcp(8080, '127.0.0.1')]);
  given(held).when(allocate('b', { ports: [tcp(8080, '127.0.0.2')] })).then(allocated('b', '10.0.0.3', [tcp(8080, '127.0.0.2')]));
  given(held).when(allocate('b', { ports: [{ ...tcp(8080), protocol: 'udp' }] })).then(allocated('b', '10.0.0.3', [{ ...tcp(8080), protocol: 'udp' }]));
  given(held).when(allocate('b', { ports: [tcp(8080, '0.0.0.0')] })).thenRefused('unclassified');
});
test('any port is the one after the last that was given, and of a range the next of that range, as with dockerd: nobody meets another container at a port given back', () => {
  const any = tcp(0);
  given(allocated('a', '10.0.0.2', [tcp(32768)]), released('a')).when(allocate('b', { ports: [any] })).then(allocated('b', '10.0.0.2', [tcp(32769)]));
  given(allocated('a', '10.0.0.2', [tcp(60999)])).when(allocate('b', { ports: [any] })).then(allocated('b', '10.0.0.3', [tcp(32768)]));
  given(allocated('a', '10.0.0.2', [{ ...tcp(32768), protocol: 'udp' }])).when(allocate('b', { ports: [any] })).then(allocated('b', '10.0.0.3', [tcp(32768)]));
  const range = { ...tcp(8100), hostPortEnd: 8102 };
  const lately = [allocated('a', '10.0.0.2', [tcp(8101), tcp(32768)]), released('a')];
  given(...lately).when(allocate('b', { ports: [range, any, tcp(0, '', 81)] })).then(allocated('b', '10.0.0.2', [tcp(8102), tcp(32769), tcp(32770, '', 81)]));
  given(...lately, allocated('b', '10.0.0.2', [tcp(8102)])).when(allocate('c', { ports: [range] })).then(allocated('c', '10.0.0.3', [tcp(8100)]));
});
const changePorts = (endpoint: string, ports: readonly PublishedPort[]): PoolCommand => ({ type: 'ChangePorts', endpoint, ports, at });
const portsChanged = (endpoint: string, ...ports: PublishedPort[]): PoolEvent => ({ type: 'EndpointPortsChanged', endpoint, ports, at });
test('an endpoint in use gets other ports: what it holds stays, what is gone is free, what is taken is refused', () => {
  const own = allocated('a', '10.0.0.2', [tcp(8080)]);
  given(own).when(changePorts('a', [tcp(8080), tcp(8081)])).then(portsChanged('a', tcp(8080), tcp(8081)));
  given(own).when(changePorts('a', [tcp(8080)])).thenNothing();
  given(own, portsChanged('a')).when(allocate('b', { ports: [tcp(8080)] })).then(allocated('b', '10.0.0.3', [tcp(8080)]));
  given(own, allocated('b', '10.0.0.3', [tcp(8081)])).when(changePorts('a', [tcp(8081)])).thenRefused('unclassified', /port is already allocated/);
  given().when(changePorts('a', [])).thenRefused('not-found');
});
test('a port that was chosen stays when others come, but for who names it', () => {
  const own = allocated('a', '10.0.0.2', [tcp(32768)]);
  given(own).when(changePorts('a', [tcp(0)])).thenNothing();
  given(own).when(changePorts('a', [tcp(0), tcp(32768)])).then(portsChanged('a', tcp(32769), tcp(32768)));
});
test('an endpoint that is asked for again has the ports of the newer wish', () => {
  given(allocated('a', '10.0.0.2', [tcp(8080)])).when(allocate('a', { ports: [tcp(8080)] })).thenNothing();
  given(allocated('a', '10.0.0.2', [tcp(8080)])).when(allocate('a', { ports: [tcp(8081)] })).then(portsChanged('a', tcp(8081)));
});
test('one container cannot ask for one host port twice', () => given().when(allocate('a', { ports: [tcp(8080), tcp(8080, '', 81)] })).thenRefused('unclassified'));
test('one port on 0.0.0.0 and on :: is one port of one container', () => {
  const both = (hostPort: number): PublishedPort[] => [tcp(hostPort, '0.0.0.0'), tcp(hostPort, '::')];
  given().when(allocate('a', { ports: both(8080) })).then(allocated('a', '10.0.0.2', both(8080)));
  given().when(allocate('a', { ports: both(0) })).then(allocated('a', '10.0.0.2', both(32768)));
  given().when(allocate('a', { ports: both(8080).map((port) => ({ ...port, hostPortEnd: 8081 })) })).then(allocated('a', '10.0.0.2', both(8080)));
  given(allocated('a', '10.0.0.2', [tcp(8080, '::')])).when(changePorts('a', both(8080))).then(portsChanged('a', ...both(8080)));
  given(allocated('a', '10.0.0.2', both(8080))).when(allocate('b', { ports: [tcp(8080, '::')] })).thenRefused('unclassified', /Bind for :::8080 failed/);
  for (const other of [tcp(8080, '::', 81), { ...tcp(8080) }]) given().when(allocate('a', { ports: [tcp(8080, '0.0.0.0'), other] })).thenRefused('unclassified');
});
test('a port that nobody named is a free one', () => {
  given(allocated('a', '10.0.0.2', [tcp(32768)])).when(allocate('b', { ports: [tcp(0), tcp(0, '', 81)] })).then(allocated('b', '10.0.0.3', [tcp(32769), tcp(32770, '', 81)]));
});
test('a port of free choice is none that the host uses itself; a named one is left to who binds it', () => {
  const bound = new Set(['tcp 32768', 'udp 32769', 'tcp 8000']);
  given().when(allocate('a', { ports: [tcp(0), { ...tcp(8000, '', 81), hostPortEnd: 8001 }, tcp(8000, '', 82)], bound })).then(allocated('a', '10.0.0.2', [tcp(32769), tcp(8001, '', 81), tcp(8000, '', 82)]));
});
test('of a range of host ports the first free one is given', () => {
  const range = { ...tcp(8000), hostPortEnd: 8001 };
  given(allocated('a', '10.0.0.2', [tcp(8000)])).when(allocate('b', { ports: [range] })).then(allocated('b', '10.0.0.3', [tcp(8001)]));
  given(allocated('a', '10.0.0.2', [tcp(8000), tcp(8001)])).when(allocate('b', { ports: [range] })).thenRefused('unclassified', /all ports are allocated/);
});
test('an endpoint allocated or released twice is so once', () => {
  idempotent(poolDecider, [[], [allocated('a', '10.0.0.2')], [allocated('a', '10.0.0.2'), released('a')], full], [allocate('a'), allocate('b', { ports: [tcp(0), tcp(8080)] }), release('a'), release('nobody')]);
});

test('a named port is not taken by an unnamed one of the same container', () => {
  given().when(allocate('a', { ports: [tcp(0), tcp(32768, '', 81)] })).then(allocated('a', '10.0.0.2', [tcp(32769), tcp(32768, '', 81)]));
});
