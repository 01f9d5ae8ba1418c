import { expect, test } from 'vitest';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { withinKernel } from '../resources/check-resources.js';
import { checkHostShares, hostShares, throttlesOf } from './host-shares.js';
import { checkNetworkOptions, linkLocalOf, macOf } from '../network/network-options.js';
import { volumesFrom } from '../mounts/volumes-from.js';

test('what is shared with the host is named, and nothing by default', () => {
  expect(hostShares({ IpcMode: 'private', PidMode: '', CgroupnsMode: 'private', Devices: [], Annotations: {} })).toEqual({});
  expect(hostShares({ IpcMode: 'host', PidMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' })).toEqual({ hostNamespaces: ['pid', 'ipc', 'uts', 'cgroup'] });
  expect(hostShares({ Devices: [{ PathOnHost: '/dev/a', CgroupPermissions: 'rwm' }, { PathOnHost: '/dev/b', PathInContainer: '/dev/c', CgroupPermissions: 'r' }] }).devices).toEqual([{ source: '/dev/a', target: '/dev/a', access: 'rwm' }, { source: '/dev/b', target: '/dev/c', access: 'r' }]);
  expect(throttlesOf({ BlkioDeviceReadBps: [{ Path: '/dev/a', Rate: 1 }], BlkioDeviceWriteIOps: [{ Path: '/dev/b', Rate: 2 }] }).throttles).toEqual([{ path: '/dev/a', limits: 'read-bytes', rate: 1 }, { path: '/dev/b', limits: 'write-operations', rate: 2 }]);
});

test('a device of which nothing may be done is no device, unless the container may do all', () => {
  const Devices = [{ PathOnHost: '/dev/a', CgroupPermissions: 'r' }, { PathOnHost: '/dev/b', CgroupPermissions: '' }];
  for (const asked of [Devices, [{ PathOnHost: '/dev/b' }]]) {
    expect(() => checkHostShares({ Devices: asked })).not.toThrow(); // as dockerd, which finds out at the start
    expect(() => hostShares({ Devices: asked })).toThrow('device access of /dev/b cannot be empty');
    expect(hostShares({ Devices: asked, Privileged: true }).devices).toHaveLength(asked.length);
  }
});

test.each([
  [{ IpcMode: 'odd' }, 'invalid IPC mode: odd'],
  [{ IpcMode: 'container:' }, 'invalid IPC mode: container:'],
  [{ PidMode: 'odd' }, 'invalid PID mode: odd'],
  [{ PidMode: 'container:' }, 'invalid PID mode: container:'],
  [{ CgroupParent: 'a\nb' }, 'invalid cgroup parent: "a\\nb"'],
  [{ UTSMode: 'odd' }, 'invalid UTS mode: odd'],
  [{ CgroupnsMode: 'odd' }, 'invalid cgroup namespace mode: odd'],
  [{ Devices: [{ PathOnHost: '/dev/a', CgroupPermissions: 'rx' }] }, 'invalid device mode: rx'],
  [{ ExtraHosts: ['a'] }, 'bad format for add-host: "a"'],
  [{ ExtraHosts: ['a:1.2.3'] }, 'invalid IP address in add-host: "1.2.3"'],
  [{ ExtraHosts: ['a:1.2.3.4\n5.6.7.8 b'] }, 'add-host'],
  [{ Annotations: { '': 'x' } }, 'the empty string is not permitted as an annotation key'],
  [{ StorageOpt: { size: '1' } }, '--storage-opt is supported only for overlay over xfs'],
  [{ Isolation: 'process' }, "linux only supports 'default'"],
])('%j is refused', (host, says) => {
  const kind = /^--storage-opt/.test(says) ? 'unclassified' : 'invalid';
  expect(() => checkHostShares(host)).toThrow(expect.objectContaining({ kind, message: expect.stringContaining(says) as string }) as Error);
});

test('another container, and a place among the cgroups, are no part of the host', () => {
  const host = { IpcMode: 'container:c1', PidMode: 'container:c1', CgroupParent: '../a//b/' };
  expect(() => checkHostShares(host)).not.toThrow();
  expect(hostShares(host)).toEqual({ cgroupParent: '/a/b' });
});

test('hosts by IPv4, IPv6 and the gateway are taken', () => {
  const entries = ['a:1.2.3.4', 'b:fe80::1', 'c:[::1]', 'd:host-gateway'];
  expect(() => checkHostShares({ ExtraHosts: entries })).not.toThrow();
});

test('what the kernel lacks is left out, with a warning', () => {
  const asked = { BlkioWeight: 5, MemorySwappiness: 10, OomKillDisable: true };
  expect(withinKernel(asked, { cgroupVersion: '2', blockWeight: false, cpuRealtime: false })).toEqual({ host: {}, warnings: [expect.stringContaining('Weight discarded'), expect.stringContaining('swappiness discarded'), expect.stringContaining('OomKillDisable discarded')] });
  expect(withinKernel({ ...asked, BlkioWeight: 50, Memory: 1e8 }, { cgroupVersion: '1', blockWeight: true, cpuRealtime: false })).toEqual({ host: { ...asked, BlkioWeight: 50, Memory: 1e8 }, warnings: [] });
  expect(() => withinKernel(asked, { cgroupVersion: '1', blockWeight: true, cpuRealtime: false })).toThrow('Range of blkio weight is from 10 to 1000');
});

test('a MAC address comes from either place; addresses and aliases need a network of one’s own', () => {
  const wish = (networks: object, config = {}, NetworkMode = 'bridge') => ({ config, hostConfig: { NetworkMode }, networks }) as Parameters<typeof macOf>[0];
  expect(macOf(wish({ bridge: { mac: '02:00:00:00:00:01' } }))).toEqual({ MacAddress: '02:00:00:00:00:01' });
  expect(macOf(wish({}, { MacAddress: '02:00:00:00:00:02' }))).toEqual({ MacAddress: '02:00:00:00:00:02' });
  expect(() => checkNetworkOptions(wish({}, { MacAddress: 'x' }))).toThrow('invalid config for network bridge: invalid MAC address x');
  expect(() => checkNetworkOptions(wish({}, { MacAddress: '02:00:00:00:00:02' }, 'host'))).toThrow('conflicting options: mac-address and the network mode');
  expect(() => checkNetworkOptions(wish({ bridge: { address: '1.2.3.4' } }))).toThrow('user specified IP address is supported on user defined networks only');
  expect(() => checkNetworkOptions(wish({ bridge: { ipv6Address: '2001:db8::1' } }))).toThrow('user specified IP address is supported on user defined networks only');
  expect(linkLocalOf(wish({ bridge: { linkLocalAddresses: ['169.254.0.9'] } }))).toEqual({ linkLocalAddresses: ['169.254.0.9'] });
  expect(linkLocalOf(wish({}))).toEqual({});
  for (const [address, says] of [['bad', 'invalid link-local IP address: bad'], ['0.0.0.0', 'invalid link-local'], ['10.0.0.1', 'invalid link local IP address: 10.0.0.1'], ['fe80::1', 'has no IPv6']] as const)
    expect(() => checkNetworkOptions(wish({ bridge: { linkLocalAddresses: [address] } })), address).toThrow(says);
  expect(() => checkNetworkOptions(wish({ bridge: { aliases: ['a'] } }))).toThrow('invalid config for network bridge: invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks');
  expect(() => checkNetworkOptions(wish({ bridge: { address: 'x' } }))).toThrow(
    'invalid endpoint settings:\n* user specified IP address is supported on user defined networks only\n* invalid IPv4 address: x\n* user specified IP address is supported only when connecting to networks with user configured subnets',
  );
});

test('volumes of others are taken as they are, but for tmpfs', () => {
  const volume: ContainerMount = { type: 'volume', name: 'v', source: '/v', target: '/data', readOnly: false, mode: 'nocopy', propagation: '', copyUp: true, anonymous: true };
  const fleeting: ContainerMount = { type: 'tmpfs', source: '', target: '/t', readOnly: false, propagation: '' };
  const { copyUp: _, ...kept } = volume;
  expect(volumesFrom(['a:ro'], () => [volume, fleeting])).toEqual([{ target: '/data', borrowed: { ...kept, mode: '', readOnly: true } }]);
  expect(volumesFrom(['a:z'], () => [volume])).toMatchObject([{ borrowed: { readOnly: false } }]);
  for (const mode of ['odd', 'ro,rw', 'rslave', 'nocopy']) expect(() => volumesFrom([`a:${mode}`], () => [])).toThrow(`invalid mode: ${mode}`);
  expect(() => volumesFrom(['a'], () => undefined)).toThrow(expect.objectContaining({ kind: 'invalid', message: 'No such container: a' }));
});
