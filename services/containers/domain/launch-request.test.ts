import { expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import { startMounts } from './mounts/start-mounts.js';
import { checkHostConfig, launchRequest, networkWithEndpoint, parseSecurityOptions } from './launch-request.js';

const endpoint: EndpointSettings = { network: 'bridge', networkId: 'n1', endpointId: 'e1', bridge: 'berth0', address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mac: '02:42:ac:11:00:02', mtu: 1500, ports: [] };
const launch = (hostConfig: HostConfig = {}, config: ContainerConfig = {}, at: EndpointSettings | undefined = endpoint) =>
  launchRequest({ id: 'c1', createdAt: '', name: 'web', config, hostConfig, imageId: '', imageRef: '', layers: ['l2', 'l1'], path: 'sh', args: ['-c', 'true'], mounts: [] }, 2, at, []);

test('a container that asks for nothing runs in the root folder, on the bridge, with 64 MB of shared memory and no limits', () => {
  expect(launch()).toMatchObject({
    container: 'c1', start: 2, process: { args: ['sh', '-c', 'true'], cwd: '/', terminal: false }, network: { mode: 'bridge', endpoint }, shmSizeBytes: 67_108_864,
    resources: {}, security: { privileged: false, noNewPrivileges: false, seccomp: 'default' }, log: { driver: 'json-file', maxBytes: 0, maxFiles: 1, compress: false },
  });
});
test('limits reach the executor as they were given, and "unlimited" is no limit', () => {
  expect(launch({ Memory: 10_000_000, NanoCpus: 500_000_000, PidsLimit: 5 }).resources).toEqual({ memoryBytes: 10_000_000, nanoCpus: 500_000_000, pidsLimit: 5 });
  expect(launch({ Memory: 0, PidsLimit: -1, CpusetCpus: '' }).resources).toEqual({});
});
test('what is no address is no nameserver', () => {
  const addresses = ['1.1.1.1', '::1', 'fe80::1%eth0'];
  expect(launch({ Dns: addresses }).dns).toEqual(addresses);
  for (const wrong of ['notip', '', '1.1.1', '1.1.1.1\nsearch lan', '1.1.1.1%eth0']) expect(() => launch({ Dns: ['1.1.1.1', wrong] })).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining(`bad nameserver address ${wrong}: ParseAddr(${JSON.stringify(wrong)}): unable to parse IP`) as string }) as Error);
});
test('an init is put in front of a command that is to be process 1, and of no other', () => {
  expect([undefined, '', 'host', 'container:c2'].map((PidMode) => launch({ Init: true, ...(PidMode === undefined ? {} : { PidMode }) }).init)).toEqual([true, true, false, false]);
});
test('labels of an image change nothing of what runs', () => expect(launch({}, { Labels: { privileged: 'true' } })).toEqual(launch()));

test('a container without a network of its own needs no endpoint', () => {
  expect(['none', 'host', 'container:c2'].map((NetworkMode) => launchNetwork(NetworkMode))).toEqual([{ mode: 'none' }, { mode: 'host' }, { mode: 'container', container: 'c2' }]);
  expect(['none', 'host', 'container:c2', '', 'default', 'bridge', 'mine'].map((NetworkMode) => networkWithEndpoint({ config: {}, hostConfig: { NetworkMode } }))).toEqual([undefined, undefined, undefined, 'bridge', 'bridge', 'bridge', 'mine']);
  expect(launch({ NetworkMode: 'bridge' }, { NetworkDisabled: true }).network).toEqual({ mode: 'none' });
  expect(networkWithEndpoint({ config: { NetworkDisabled: true }, hostConfig: {} })).toBeUndefined();
  expect(() => launchRequest({ id: 'c1', createdAt: '', name: '', config: {}, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [] }, 1, undefined, [])).toThrow('needs an endpoint');
});
const launchNetwork = (NetworkMode: string) => launch({ NetworkMode }).network;

test('security options are obeyed or refused, never ignored', () => {
  expect(parseSecurityOptions(['no-new-privileges', 'seccomp=unconfined'])).toEqual({ noNewPrivileges: true, seccomp: 'unconfined' });
  expect(parseSecurityOptions(['no-new-privileges:false', 'seccomp=builtin', 'label=disable', 'label:type:x', 'apparmor='])).toEqual({ noNewPrivileges: false, seccomp: 'default' });
  expect(parseSecurityOptions(['no-new-privileges=1'])).toMatchObject({ noNewPrivileges: true });
  expect(parseSecurityOptions(['apparmor=mine', 'apparmor:unconfined'])).toMatchObject({ apparmor: 'unconfined' });
  for (const option of ['no-new-privileges=foo', 'apparmor', 'seccomp=', 'label', 'nonsense']) expect(() => parseSecurityOptions([option]), option).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('invalid --security-opt') as string }));
});

test('what is hidden and what cannot be written are the container\'s own lists, where it was given some', () => {
  expect(launch().security).not.toHaveProperty('maskedPaths');
  expect(launch({ MaskedPaths: null, ReadonlyPaths: ['/proc/sys'] }).security).toMatchObject({ readonlyPaths: ['/proc/sys'] });
  expect(launch({ MaskedPaths: [], ReadonlyPaths: [] }).security).toMatchObject({ maskedPaths: [], readonlyPaths: [] });
});

test('the size of a log is written with a unit', () => {
  const log = (Config: Record<string, string>) => launch({ LogConfig: { Type: 'json-file', Config } }).log;
  expect(['10m', '1k', '1.5g', '20', '3MB', '-1'].map((size) => log({ 'max-size': size }).maxBytes)).toEqual([10_485_760, 1024, 1_610_612_736, 20, 3_145_728, 0]);
  expect(log({ 'max-file': '3' }).maxFiles).toBe(3);
});
test('a log that cannot be kept as asked is refused at creation', () => {
  expect(() => checkHostConfig({ LogConfig: { Type: 'gelf' } })).toThrow('plugin "gelf" not found');
  expect(() => checkHostConfig({ LogConfig: { Config: { colour: 'red' } } })).toThrow();
});
test.each<[HostConfig, string]>([
  [{ LogConfig: { Config: { 'max-size': 'big' } } }, "failed to create task for container: failed to initialize logging driver: invalid size: 'big'"],
  [{ DeviceCgroupRules: ['c 1:3 x'] }, "invalid device cgroup rule format: 'c 1:3 x'"],
  [{ DeviceRequests: [{ Driver: 'parrot', Count: -1, Capabilities: [['gpu']] }] }, 'could not select device driver "parrot" with capabilities: [[gpu]]'],
])('%j is refused at a start alone, as dockerd does', (host, message) => {
  expect(() => checkHostConfig(host)).not.toThrow();
  expect(() => launch(host)).toThrow(expect.objectContaining({ kind: 'unclassified', message }) as Error);
});
test.each([['never', 'ReadOnlyNonRecursive'], ['always', 'ReadOnlyForceRecursive']] as const)('a bind that is to be written, and read only below (%s), is refused at a start', (readOnlyBelow, named) => {
  const mount = { type: 'bind' as const, source: '/y', target: '/y', readOnly: false, mode: '', propagation: '', readOnlyBelow };
  expect(() => startMounts([mount])).toThrow(expect.objectContaining({ kind: 'unclassified', message: `mount options conflict: !ReadOnly && BindOptions.${named}` }) as Error);
  expect(startMounts([{ ...mount, readOnly: true }])).toHaveLength(1);
});
test.each([['size=1m,foo', 'foo'], ['colour=red=1', 'colour'], ['size', 'size'], ['ro=1', 'ro']])('a tmpfs with %s is refused at a start', (options, named) => {
  const mounts = [{ type: 'tmpfs' as const, source: '', target: '/t', readOnly: false, mode: '', propagation: '', options }];
  expect(() => startMounts(mounts)).toThrow(expect.objectContaining({ kind: 'unclassified', message: `invalid tmpfs option "${named}"` }) as Error);
  const fine = mounts.map((mount) => ({ ...mount, options: 'ro,size=1m,mode=700' }));
  expect(startMounts(fine)).toBe(fine);
});
test('a restart policy that makes no sense is refused at creation', () => {
  expect(() => checkHostConfig({ AutoRemove: true, RestartPolicy: { Name: 'always' } })).toThrow('AutoRemove');
  expect(() => checkHostConfig({ RestartPolicy: { Name: 'sometimes' as 'always' } })).toThrow('unknown policy');
  expect(() => checkHostConfig({ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } })).toThrow('maximum retry count');
  expect(() => checkHostConfig({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } })).toThrow('maximum retry count cannot be negative');
  checkHostConfig({ AutoRemove: true, RestartPolicy: { Name: 'no' } });
});
