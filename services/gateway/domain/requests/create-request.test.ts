import { expect, test } from 'vitest';
import { asOfVersion, checkMountsOfVersion, discardedLimits, kernelMemoryWarnings, readCommitConfig, readCreateRequest } from './create-request.js';
import { readUpdateRequest } from './update-request.js';

test('an option that Berth lacks is refused by name, its default is not', () => {
  const asked = { Image: 'x', OnBuild: null, HostConfig: { NetworkMode: 'default', UsernsMode: 'host', ContainerIDFile: '/cid', Cgroup: '', IOMaximumIOps: 0, CpuCount: 0 } };
  expect(readCreateRequest(asked)).toEqual({ config: { Image: 'x' }, hostConfig: { NetworkMode: 'bridge', UsernsMode: 'host' } });
  expect(() => readCreateRequest({ Image: 'x', HostConfig: { Cgroup: 'x' } })).toThrow('HostConfig.Cgroup');
  expect(() => readCreateRequest({ Image: 'x', OnBuilt: ['RUN true'] })).toThrow('Config.OnBuilt');
  const ofBuilds = { OnBuild: ['RUN true'], Shell: ['/bin/sh', '-c'], ArgsEscaped: true, NetworkDisabled: true };
  expect(readCreateRequest(ofBuilds).config).toEqual(ofBuilds);
  expect(readCreateRequest({ Image: 'x', name: 'web', platform: 'linux/amd64' }).config).toEqual({ Image: 'x' }); // dockerode's way
});

test('limits of kernel memory are passed over, and who asks for them is told', () => {
  const HostConfig = { KernelMemory: -1, KernelMemoryTCP: 1e8 };
  expect(readCreateRequest({ Image: 'x', HostConfig }).hostConfig).toEqual({ NetworkMode: 'bridge' });
  expect(readUpdateRequest({ ...HostConfig, Memory: 1e8 })).toEqual({ Memory: 1e8 });
  expect(kernelMemoryWarnings(HostConfig)).toEqual([expect.stringContaining('KernelMemory is deprecated'), expect.stringContaining('KernelMemoryTCP is deprecated')]);
  for (const none of [{ KernelMemory: 0, KernelMemoryTCP: null }, {}, null]) expect(kernelMemoryWarnings(none)).toEqual([]);
});

test('of limits that Windows alone has two are passed over, and said to be, and two are refused', () => {
  const HostConfig = { CpuCount: 2, CpuPercent: 50, KernelMemory: 1 };
  expect(readCreateRequest({ Image: 'x', HostConfig }).hostConfig).toEqual({ NetworkMode: 'bridge' });
  expect(discardedLimits(HostConfig)).toEqual([...kernelMemoryWarnings(HostConfig), 'linux does not support CPU count. Count discarded.', 'linux does not support CPU percent. Percent discarded.']);
  expect(discardedLimits({ CpuCount: 0 })).toEqual([]);
  for (const [name, limit] of [['IOMaximumBandwidth', 'maximum bandwidth'], ['IOMaximumIOps', 'maximum IOPs']] as const) {
    expect(() => readCreateRequest({ Image: 'x', HostConfig: { [name]: 5 } })).toThrow(expect.objectContaining({ kind: 'invalid', message: `invalid option: QoS ${limit} configuration is not supported on linux` }) as Error);
  }
});

test('null is Go’s zero value, and a text may stand for a list of itself', () => {
  const nulls = { NetworkMode: null, Runtime: null, IpcMode: null, PidMode: null, UTSMode: null, CgroupnsMode: null, UsernsMode: null, Memory: null, CpuShares: null, CpuPeriod: null, MaskedPaths: null };
  expect(readCreateRequest({ Image: 'x', Cmd: null, User: null, StopTimeout: null, HostConfig: nulls })).toEqual({ config: { Image: 'x' }, hostConfig: { NetworkMode: 'bridge' } });
  const texts = { Image: 'x', Cmd: 'true', Entrypoint: '', HostConfig: { CapAdd: 'NET_ADMIN', CapDrop: ['ALL'], Binds: 'a' } };
  expect(readCreateRequest(texts)).toEqual({ config: { Image: 'x', Cmd: ['true'], Entrypoint: [''] }, hostConfig: { NetworkMode: 'bridge', CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'], Binds: 'a' } });
  const within = { Labels: { a: null, Cmd: 'c' }, Volumes: { '/x': null }, Healthcheck: { Test: null, Retries: 2 }, HostConfig: { LogConfig: { Type: null, Config: { tag: null } }, PortBindings: { '80/tcp': null }, RestartPolicy: { Name: null }, Mounts: [{ Type: 'tmpfs', Target: '/t', Source: null }], Sysctls: { a: null } } };
  expect(readCreateRequest(within)).toEqual({
    config: { Labels: { a: '', Cmd: 'c' }, Volumes: { '/x': {} }, Healthcheck: { Retries: 2 } },
    hostConfig: { NetworkMode: 'bridge', LogConfig: { Config: { tag: '' } }, PortBindings: { '80/tcp': null }, RestartPolicy: {}, Mounts: [{ Type: 'tmpfs', Target: '/t' }], Sysctls: { a: '' } },
  });
});

test.each([['1.44', { VolumeOptions: { Subpath: 'a' } }, 'VolumeOptions.Subpath needs API v1.45 or newer'], ['1.43', { BindOptions: { ReadOnlyForceRecursive: true } }, 'BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer']])(
  'a client of %s cannot ask for %j', (version, mount, says) => {
    const request = readCreateRequest({ Image: 'x', HostConfig: { Mounts: [mount] } });
    expect(() => checkMountsOfVersion(request, version)).toThrow(says);
    expect(() => checkMountsOfVersion(request, '1.45')).not.toThrow();
    expect(() => checkMountsOfVersion(readCreateRequest({ Image: 'x' }), version)).not.toThrow();
  },
);

test('endpoint settings keep aliases, address and MAC, and forget what an engine filled in', () => {
  const endpoint = { Aliases: ['db'], IPAMConfig: { IPv4Address: '172.17.0.9' }, MacAddress: '02:00:00:00:00:01', NetworkID: 'abc', Links: null };
  expect(readCreateRequest({ Image: 'x', NetworkingConfig: { EndpointsConfig: { default: endpoint } } }).networks).toEqual({ bridge: { aliases: ['db'], address: '172.17.0.9', mac: '02:00:00:00:00:01' } });
  const addressed = (IPAMConfig: object) => readCreateRequest({ Image: 'x', NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig } } } }).networks;
  expect(addressed({ IPv4Address: '', IPv6Address: '2001:db8::1', LinkLocalIPs: ['169.254.0.9'] })).toEqual({ bridge: { ipv6Address: '2001:db8::1', linkLocalAddresses: ['169.254.0.9'] } });
  expect(() => addressed({ Odd: 'x' })).toThrow('EndpointsConfig.bridge.IPAMConfig.Odd');
  expect(() => readCreateRequest({ Image: 'x', NetworkingConfig: { EndpointsConfig: { bridge: { Links: ['a'] } } } })).toThrow('EndpointsConfig.bridge.Links');
});

test('more than one network, and the network of nobody, are refused and not dropped', () => {
  expect(() => readCreateRequest({ Image: 'x', NetworkingConfig: { EndpointsConfig: { bridge: {}, none: null } } })).toThrow('Container cannot be connected to network endpoints: bridge, none');
  expect(() => readCreateRequest({ Image: 'x', HostConfig: { NetworkMode: 'container:' } })).toThrow('invalid container format container:<name|id>');
});

test('the network is that of the endpoint, whichever the mode names, but for a mode that shares a network of others', () => {
  const read = (NetworkMode: string | undefined, name: string) => readCreateRequest({ Image: 'x', HostConfig: { NetworkMode }, NetworkingConfig: { EndpointsConfig: { [name]: {} } } });
  const of = (...asked: Parameters<typeof read>) => read(...asked).hostConfig.NetworkMode;
  for (const [mode, name] of [['none', 'none'], ['mine', 'mine'], ['container:web', 'container:web'], [undefined, 'none'], ['bridge', 'nosuch'], ['none', 'bridge']] as const) expect(of(mode, name)).toBe(name);
  expect([of(undefined, 'default'), of('default', 'bridge')]).toEqual(['bridge', 'bridge']);
  expect([read('none', 'bridge'), read(undefined, 'none'), read('none', 'none')].map(({ askedNetworkMode }) => askedNetworkMode)).toEqual(['none', 'bridge', undefined]);
  expect(() => readCreateRequest({ Image: 'x', HostConfig: { NetworkMode: { toString: 1 } }, NetworkingConfig: { EndpointsConfig: { none: {} } } })).not.toThrow();
  for (const [mode, name] of [['host', 'bridge'], ['bridge', 'host'], ['container:web', 'bridge'], ['bridge', 'container:web']] as const) expect(() => of(mode, name)).toThrow('conflicting options');
});

test('a container of an old client lends its IPC namespace, unless it says otherwise', () => {
  const of = (version: string, IpcMode?: string) => asOfVersion(readCreateRequest({ Image: 'x', HostConfig: { ...(IpcMode === undefined ? {} : { IpcMode }) } }), version).hostConfig.IpcMode;
  expect([of('1.39'), of('1.39', ''), of('1.39', 'private'), of('1.40')]).toEqual(['shareable', 'shareable', 'private', undefined]);
});

test('what is another kind of JSON is refused, and not read as none', () => {
  for (const networking of ['x', [], { EndpointsConfig: 'x' }]) expect(() => readCreateRequest({ Image: 'x', NetworkingConfig: networking })).toThrow(/NetworkingConfig.* has to be an object/);
  for (const none of [null, {}, { EndpointsConfig: null }]) expect(readCreateRequest({ Image: 'x', NetworkingConfig: none }).networks).toBeUndefined();
  expect(() => readCommitConfig([])).toThrow('json: cannot unmarshal array into Go value of type container.CreateRequest');
  expect([readCommitConfig(undefined), readCommitConfig(null), readCommitConfig({})]).toEqual([undefined, undefined, undefined]);
});

test('what dockerode repeats of a query in the body of a commit is no configuration', () => {
  const repeated = { container: 'c1', repo: 'mine', tag: '1', comment: 'why', author: 'me', pause: true, changes: ['ENV A=1'] };
  expect(readCommitConfig(repeated)).toBeUndefined();
  expect(readCommitConfig({ ...repeated, Env: ['A=1'] })).toEqual({ Env: ['A=1'] });
  expect(() => readCommitConfig({ Repo: 'mine' })).toThrow('Config.Repo');
});
