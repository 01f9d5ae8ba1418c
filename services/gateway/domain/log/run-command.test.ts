import { describe, expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { ImageRunConfig } from '#contracts/images/images.js';
import { CONFIG, HOST_CONFIG } from '../requests/create-request.js';
import type { Created } from './container-fold.js';
import { runCommand } from './run-command.js';
import { created } from './testing/log-of-web.js';

const made = (config: ContainerConfig, hostConfig: HostConfig = {}): Created => ({ type: 'ContainerCreated', container: 'c', name: 'c', config: { Image: 'i', ...config }, hostConfig, imageId: 'sha256:1', imageRef: 'i', layers: [], path: 'p', args: [], mounts: [], at: '' });
const of = (config: ContainerConfig, hostConfig: HostConfig = {}, image: ImageRunConfig | undefined = {}): string => runCommand(made(config, hostConfig), 'c', image);

/** A value of each field, and what says it; undefined: docker run has no word for it, or a client sets it by itself. */
const CONFIG_WORDS: { readonly [field in keyof ContainerConfig]-?: readonly [value: ContainerConfig[field], words: string | undefined] } = {
  Hostname: ['box', '-h box'],
  Domainname: ['lan', '--domainname lan'],
  User: ['7:8', '-u 7:8'],
  AttachStdin: [true, undefined],
  AttachStdout: [true, undefined],
  AttachStderr: [true, undefined],
  ExposedPorts: [{ '99/udp': {} }, '--expose 99/udp'],
  Tty: [true, '-t'],
  OpenStdin: [true, '-i'],
  StdinOnce: [true, undefined],
  Env: [['A=1', 'B'], '-e A=1 -e B'],
  Cmd: [['sh', '-c', 'x y'], "i sh -c 'x y'"],
  Image: ['j', 'j'],
  Volumes: [{ '/data': {} }, '-v /data'],
  WorkingDir: ['/', '-w /'],
  Entrypoint: [['a', 'b'], '--entrypoint a i b'],
  Labels: [{ a: 'b', c: '' }, '-l a=b -l c'],
  StopSignal: ['INT', '--stop-signal INT'],
  StopTimeout: [0, '--stop-timeout 0'],
  MacAddress: ['02:00:00:00:00:01', '--mac-address 02:00:00:00:00:01'],
  Healthcheck: [{ Test: ['CMD-SHELL', 'ok?'], Interval: 1e9, Retries: 3 }, "--health-cmd 'ok?' --health-interval 1000ms --health-retries 3"],
  NetworkDisabled: [true, undefined],
  OnBuild: [['RUN x'], undefined],
  Shell: [['/bin/sh', '-c'], undefined],
  ArgsEscaped: [true, undefined],
};

const HOST_CONFIG_WORDS: { readonly [field in keyof HostConfig]-?: readonly [value: HostConfig[field], words: string | undefined] } = {
  Binds: [['/s:/t:ro', 'v:/u'], '-v /s:/t:ro -v v:/u'],
  Mounts: [[{ Type: 'bind', Source: '/s', Target: '/t' }], '--mount type=bind,source=/s,target=/t'],
  VolumeDriver: ['nfs', '--volume-driver nfs'],
  Tmpfs: [{ '/a': 'size=1m', '/b': '' }, '--tmpfs /a:size=1m --tmpfs /b'],
  NetworkMode: ['none', '--network none'],
  PortBindings: [{ '80/tcp': [{ HostIp: '::1', HostPort: '8080' }, {}] }, "-p '[::1]:8080:80/tcp' -p 80/tcp"],
  PublishAllPorts: [true, '-P'],
  RestartPolicy: [{ Name: 'on-failure', MaximumRetryCount: 3 }, '--restart on-failure:3'],
  AutoRemove: [true, '--rm'],
  LogConfig: [{ Type: 'local', Config: { 'max-size': '1m' } }, '--log-driver local --log-opt max-size=1m'],
  CapAdd: [['SYS_TIME'], '--cap-add SYS_TIME'],
  CapDrop: [['ALL'], '--cap-drop ALL'],
  Dns: [['1.1.1.1'], '--dns 1.1.1.1'],
  DnsSearch: [['lan'], '--dns-search lan'],
  DnsOptions: [['ndots:1'], '--dns-option ndots:1'],
  ExtraHosts: [['a:1.2.3.4'], '--add-host a:1.2.3.4'],
  GroupAdd: [['audio'], '--group-add audio'],
  Privileged: [true, '--privileged'],
  ReadonlyRootfs: [true, '--read-only'],
  SecurityOpt: [['no-new-privileges'], '--security-opt no-new-privileges'],
  // Lists of one's own docker run cannot give; both empty have a word: see below.
  MaskedPaths: [['/proc/kcore'], undefined],
  ReadonlyPaths: [['/proc/bus'], undefined],
  Init: [true, '--init'],
  Runtime: ['runc', '--runtime runc'],
  ShmSize: [1, '--shm-size 1'],
  Memory: [1, '-m 1'],
  MemorySwap: [-1, '--memory-swap -1'],
  MemoryReservation: [1, '--memory-reservation 1'],
  NanoCpus: [5e8, '--cpus 0.5'],
  CpuShares: [1, '-c 1'],
  CpuQuota: [1, '--cpu-quota 1'],
  CpuPeriod: [1, '--cpu-period 1'],
  CpuRealtimePeriod: [1, '--cpu-rt-period 1'],
  CpuRealtimeRuntime: [1, '--cpu-rt-runtime 1'],
  CpusetCpus: ['0-1', '--cpuset-cpus 0-1'],
  CpusetMems: ['0', '--cpuset-mems 0'],
  PidsLimit: [-1, '--pids-limit -1'],
  OomScoreAdj: [-5, '--oom-score-adj -5'],
  Ulimits: [[{ Name: 'core', Soft: 0, Hard: -1 }], '--ulimit core=0:-1'],
  Sysctls: [{ 'net.a': '1' }, '--sysctl net.a=1'],
  BlkioWeight: [10, '--blkio-weight 10'],
  BlkioWeightDevice: [[{ Path: '/dev/a', Weight: 20 }], '--blkio-weight-device /dev/a:20'],
  BlkioDeviceReadBps: [[{ Path: '/dev/a', Rate: 1 }], '--device-read-bps /dev/a:1'],
  BlkioDeviceWriteBps: [[{ Path: '/dev/a', Rate: 1 }], '--device-write-bps /dev/a:1'],
  BlkioDeviceReadIOps: [[{ Path: '/dev/a', Rate: 1 }], '--device-read-iops /dev/a:1'],
  BlkioDeviceWriteIOps: [[{ Path: '/dev/a', Rate: 1 }], '--device-write-iops /dev/a:1'],
  MemorySwappiness: [0, '--memory-swappiness 0'],
  OomKillDisable: [true, '--oom-kill-disable'],
  Devices: [[{ PathOnHost: '/dev/a', PathInContainer: '/dev/b' }], '--device /dev/a:/dev/b:rwm'],
  DeviceRequests: [[{ Count: -1, Capabilities: [['gpu']] }, { Driver: 'cdi', DeviceIDs: ['v/c=1'] }], '--gpus all --device v/c=1'],
  DeviceCgroupRules: [['c 1:3 r'], "--device-cgroup-rule 'c 1:3 r'"],
  IpcMode: ['shareable', '--ipc shareable'],
  PidMode: ['host', '--pid host'],
  UTSMode: ['host', '--uts host'],
  CgroupnsMode: ['host', '--cgroupns host'],
  CgroupParent: ['/a', '--cgroup-parent /a'],
  UsernsMode: ['private', '-l berth.userns=private'],
  VolumesFrom: [['other:ro'], '--volumes-from other:ro'],
  Links: [['a:b'], '--link a:b'],
  StorageOpt: [{ size: '1G' }, '--storage-opt size=1G'],
  Annotations: [{ a: 'b' }, '--annotation a=b'],
  // One value is taken, which is the default.
  Isolation: ['default', undefined],
  // The client's terminal.
  ConsoleSize: [[24, 80], undefined],
};

describe('docker run has each option', () => {
  const plain = of({});
  const surely = (said: string, words: string | undefined): void => {
    if (words === undefined) expect(said).toBe(plain);
    else expect(` ${said} `).toContain(` ${words} `);
  };
  test.each([...CONFIG])('Config.%s', (field) => {
    const [value, words] = CONFIG_WORDS[field as keyof ContainerConfig]; // every option that the gateway takes has its field
    surely(of({ [field]: value }), words);
  });
  test.each([...HOST_CONFIG])('HostConfig.%s', (field) => {
    const [value, words] = HOST_CONFIG_WORDS[field as keyof HostConfig];
    surely(of({}, { [field]: value }), words);
  });
});

test('what an image says by itself is left out, and what was taken from it is not', () => {
  expect(of({ WorkingDir: '/', Cmd: ['a'] }, {}, { WorkingDir: '/' })).toBe('docker run -d --name c i a');
  expect(of({ WorkingDir: '/', Cmd: ['a'] }, {}, { WorkingDir: '/srv', Entrypoint: ['e'] })).toBe("docker run -d --name c -w / --entrypoint '' i a");
  const image = { Env: ['A=1', 'B=2'], Labels: { a: 'b', c: 'd' }, User: 'u', StopSignal: 'INT', Volumes: { '/v': {} }, ExposedPorts: { '80/tcp': {} }, Healthcheck: { Test: ['CMD-SHELL', 'ok?'] }, Entrypoint: ['e'], Cmd: ['x'] };
  expect(of(image, {}, image)).toBe('docker run -d --name c i');
  expect(of({ ...image, Env: ['A=1', 'B=3'], Labels: { a: 'b', c: 'e' }, User: 'w', Volumes: { '/v': {}, '/w': {} }, Cmd: ['y'] }, {}, image)).toBe('docker run -d --name c -v /w -e B=3 -l c=e -u w i y');
  // Said anew, it takes the image's command away.
  expect(of({ ...image, Cmd: [] }, {}, image)).toBe('docker run -d --name c --entrypoint e i');
  expect(of({ ...image, Entrypoint: ['f', 'g'] }, {}, image)).toBe('docker run -d --name c --entrypoint f i g x');
  // The image is gone.
  expect(runCommand(made({ WorkingDir: '/', Cmd: ['a'] }), 'c')).toBe("docker run -d --name c -w / --entrypoint '' i a");
});

test('who is in the network of another has its names, and no ports', () => {
  expect(of({ Hostname: 'db', Domainname: 'lan', ExposedPorts: { '80/tcp': {} } }, { NetworkMode: 'container:x' })).toBe('docker run -d --name c --network container:x i');
});

test('a published port is exposed, and Berth’s own runtime the default', () => {
  expect(of({ ExposedPorts: { '80/tcp': {}, '81/tcp': {} } }, { PortBindings: { '80/tcp': [{ HostPort: '8080' }] }, Runtime: 'berth' })).toBe('docker run -d --name c -p 8080:80/tcp --expose 81/tcp i');
});

test('paths that nothing hides have a word', () => expect(of({}, { MaskedPaths: [], ReadonlyPaths: [] })).toContain('--security-opt systempaths=unconfined'));

test.each([
  [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 65536, Mode: 0o1700 } }, '--mount type=tmpfs,target=/t,tmpfs-size=65536,tmpfs-mode=1700'],
  [{ Type: 'tmpfs', Target: '/t', ReadOnly: true, TmpfsOptions: { SizeBytes: 1, Options: [['exec'], ['uid', '7']] } }, '--tmpfs /t:size=1,exec,uid=7,ro'],
  [{ Type: 'volume', Source: 'v', Target: '/v', VolumeOptions: { Labels: { x: 'y' }, DriverConfig: { Name: 'local', Options: { type: 'nfs', o: 'addr=1,rw' } } } }, `--mount 'type=volume,source=v,target=/v,volume-label=x=y,volume-driver=local,volume-opt=type=nfs,"volume-opt=o=addr=1,rw"'`],
  [{ Type: 'bind', Source: '/s', Target: '/t', ReadOnly: true, BindOptions: { CreateMountpoint: true, Propagation: 'rslave' } }, '-v /s:/t:ro,rslave'],
] as const)('a mount: %j', (mount, words) => expect(of({}, { Mounts: [mount] })).toBe(`docker run -d --name c ${words} i`));

test('the docker run that makes it again, quoted for a shell', () => {
  expect(runCommand(created, 'site')).toBe(
    String.raw`docker run -d --name site -p 8080:80/tcp -v /srv:/srv:ro -e 'A=b c' -m 67108864 --entrypoint nginx nginx -g 'it'\''s'`,
  );
});

test('of what it shares with others the docker run tells, too', () => {
  const shared = { ...created, hostConfig: { ...created.hostConfig, PidMode: 'container:c2', IpcMode: 'shareable', CgroupParent: '/a b' } };
  expect(runCommand(shared, 'site')).toContain(`--ipc shareable --pid container:c2 --cgroup-parent '/a b'`);
});

test('what its mounts and its address were asked to be, too', () => {
  const Mounts = [
    { Type: 'bind', Source: '/s', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'rprivate', ReadOnlyForceRecursive: true } },
    { Type: 'volume', Source: 'v', Target: '/p', VolumeOptions: { Subpath: 'a/b', NoCopy: true } },
  ] as const;
  const said = runCommand({ ...created, linkLocalAddresses: ['169.254.0.9'], hostConfig: { Mounts: [...Mounts], CpuRealtimePeriod: 1000 } }, 'site');
  expect(said).toContain('--mount type=bind,source=/s,target=/b,readonly,bind-propagation=rprivate,bind-recursive=readonly --mount type=volume,source=v,target=/p,volume-subpath=a/b,volume-nocopy');
  expect(said).toContain('--link-local-ip 169.254.0.9');
  expect(said).toContain('--cpu-rt-period 1000');
});
