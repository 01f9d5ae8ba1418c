import { expect, test } from 'vitest';
import { parsePort, portRequests } from './port-requests.js';

test('a port without a protocol is a TCP port', () => {
  expect(parsePort('80')).toEqual({ port: 80, protocol: 'tcp' });
  expect(parsePort('53/udp')).toEqual({ port: 53, protocol: 'udp' });
});
test('what is no port is refused', () => {
  for (const text of ['', '0', '65536', '-1', '8 0', '80/http', 'http']) expect(() => parsePort(text), text).toThrow('invalid port specification');
});
test('-p publishes on the address and port named, on any free port when none is', () => {
  expect(portRequests({ ExposedPorts: { '80/tcp': {}, '53/udp': {} } }, { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }, { HostPort: '' }], '53/udp': null } })).toEqual([
    { containerPort: 80, protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8080 },
    { containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 },
  ]);
});
test('what is bound but not exposed by the same words is published nowhere', () => {
  const PortBindings = { '80/tcp': [{ HostPort: '8080' }] };
  for (const ExposedPorts of [{}, null, { '81/tcp': {} }, { 80: {} }]) expect(portRequests({ ExposedPorts }, { PortBindings })).toEqual([]);
  expect(portRequests({ ExposedPorts: { 80: {} } }, { PortBindings: { 80: [{ HostPort: '8080' }] } })).toMatchObject([{ containerPort: 80, hostPort: 8080 }]);
  expect(() => portRequests({}, { PortBindings: { 'web': [] } })).toThrow('invalid port specification');
});
test('a range of host ports is any free one of them', () => {
  expect(portRequests({ ExposedPorts: { '80/tcp': {}, '81/tcp': {} } }, { PortBindings: { '80/tcp': [{ HostPort: '8000-8010' }], '81/tcp': [{ HostPort: '9000-9000' }] } })).toMatchObject([{ hostPort: 8000, hostPortEnd: 8010 }, { hostPort: 9000 }]);
  for (const HostPort of ['8010-8000', '8000-', '-8000', '8000-70000']) expect(() => portRequests({}, { PortBindings: { '80/tcp': [{ HostPort }] } }), HostPort).toThrow('invalid port specification');
});
test('a host port that is none is refused', () => {
  for (const HostPort of ['65536', '-1', 'web', '1.5']) expect(() => portRequests({}, { PortBindings: { '80/tcp': [{ HostPort }] } }), HostPort).toThrow('invalid port specification');
});
test('-P publishes what the image exposes and -p does not', () => {
  const config = { ExposedPorts: { '80/tcp': {}, '80/udp': {}, '443/tcp': {} } };
  const ports = portRequests(config, { PublishAllPorts: true, PortBindings: { '80/tcp': [{ HostPort: '8080' }] } });
  expect(ports.map(({ containerPort, protocol, hostPort }) => `${hostPort}:${containerPort}/${protocol}`)).toEqual(['8080:80/tcp', '0:80/udp', '0:443/tcp']);
  expect(portRequests(config, {})).toEqual([]);
});

test('-P publishes no range, which a client may say it exposes', () => {
  expect(portRequests({ ExposedPorts: { '3000-3002/tcp': {}, 'web': {}, '80/tcp': {} } }, { PublishAllPorts: true })).toEqual([{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0 }]);
});

test('a host port is written in decimal digits only', () => expect(() => portRequests({}, { PortBindings: { '80/tcp': [{ HostPort: '0x50' }] } })).toThrow());
test('words after the protocol are refused', () => expect(() => parsePort('80/tcp/udp')).toThrow());

test('a host address is an IPv4 address, or any', () => {
  const at = (HostIp: string) => () => portRequests({ ExposedPorts: { '80/tcp': {} } }, { PortBindings: { '80/tcp': [{ HostIp, HostPort: '8080' }] } });
  for (const ip of ['', '0.0.0.0', '::', '127.0.0.1']) expect(at(ip)()).toMatchObject([{ hostIp: ip }]);
  for (const ip of ['localhost', '[::1]', '127.1', '1.2.3.4.5', '1.2.3.4 ', '1.2.3.4.', '256.0.0.1', '010.0.0.1']) expect(at(ip), ip).toThrow(`invalid IP address: ${ip}`);
  for (const ip of ['::1', 'fe80::1', '::ffff:127.0.0.1']) expect(at(ip), ip).toThrow('have no IPv6');
});
