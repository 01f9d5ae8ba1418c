import { expect, test } from 'vitest';
import { DEFAULT_CAPABILITIES } from '#contracts/executor/default-capabilities.js';
import type { LaunchFields } from '#contracts/executor/tasks.js';
import { buildSpec, type SpecHost } from './build-spec.js';
import { CAPABILITIES, effectiveCapabilities, mayMount } from './capabilities.js';
import { environment } from './environment.js';
import { changedHosts, hostnameFile, hostsFile, resolvConf } from './files.js';
import { rlimitValue } from './rlimits.js';

const host: SpecHost = {
  containerDirectory: '/data/c', root: { overlay: { baseDirectory: '/data/layers', lower: ['b', 'a'], upper: '/data/c/diff', work: '/data/c/work', options: 'metacopy=off' } }, rootTarget: '/data/c/merged',
  cgroupDirectories: ['/sys/fs/cgroup/memory/berth/c'], cgroupsPath: '/berth/c', sandboxPath: '/proc/1/fd/9', cgroupMode: 'hybrid', initPath: '/opt/berth-init',
};
const plain: LaunchFields = {
  container: 'c', start: 1, name: 'box',
  process: { args: ['sh'], env: [], cwd: '/', user: '', groups: [], terminal: false, rows: 0, columns: 0, openStdin: false, stdinOnce: false },
  security: { privileged: false, capAdd: [], capDrop: [], noNewPrivileges: false, seccomp: 'default' },
  resources: {}, layers: [], readOnlyRoot: false, mounts: [], network: { mode: 'none' }, hostname: 'box', domainname: '', extraHosts: [], dns: [], dnsSearch: [], dnsOptions: [],
  ulimits: [], sysctls: {}, shmSizeBytes: 67108864, init: false, log: { driver: 'json-file', maxBytes: 0, maxFiles: 1, compress: false }, tickets: [],
};
const mountAt = (task: LaunchFields, destination: string) => buildSpec(task, host).mounts.filter((mount) => mount.destination === destination);

test('capabilities follow --cap-add and --cap-drop, in any spelling', () => {
  const of = (capAdd: string[], capDrop: string[]) => effectiveCapabilities({ privileged: false, capAdd, capDrop });
  expect(of([], [])).toEqual(DEFAULT_CAPABILITIES);
  expect(of(['net_admin'], ['ALL'])).toEqual(['CAP_NET_ADMIN']);
  expect(of(['all'], ['CAP_SYS_ADMIN'])).toEqual(CAPABILITIES.filter((name) => name !== 'CAP_SYS_ADMIN'));
  expect(of([], ['cap_mknod'])).not.toContain('CAP_MKNOD');
  expect(() => of(['X'], [])).toThrow('invalid CapAdd: unknown capability: "CAP_X"');
  expect(() => of([], ['X'])).toThrow('invalid CapDrop: unknown capability: "CAP_X"');
});

test('a container can mount something by a capability, or where no filter of ours keeps it from a user namespace', () => {
  const of = (more: Partial<LaunchFields['security']>) => mayMount({ ...plain.security, ...more });
  expect([of({}), of({ capAdd: ['NET_ADMIN'] }), of({ capAdd: ['ALL'], capDrop: ['sys_admin'] })]).toEqual([false, false, false]);
  expect([of({ capAdd: ['sys_admin'] }), of({ capAdd: ['all'] }), of({ privileged: true, capDrop: ['ALL'] }), of({ seccomp: 'unconfined' }), of({ seccomp: '{"defaultAction":"SCMP_ACT_ALLOW"}' })]).toEqual([true, true, true, true, true]);
});

test('a privileged container has all capabilities, no masks, no filter, a writable /sys and all devices', () => {
  const spec = buildSpec({ ...plain, security: { ...plain.security, privileged: true } }, host);
  expect(spec.process.capabilities.bounding).toEqual(CAPABILITIES);
  expect(spec.linux).toMatchObject({ maskedPaths: [], readonlyPaths: [], resources: { devices: [{ allow: true }] } });
  expect(spec.linux.seccomp).toBeUndefined();
  expect(spec.mounts.find((mount) => mount.destination === '/sys')?.options).toContain('rw');
});

test('what was asked for is the node of its name, before the host\'s and the default one', () => {
  const node = (path: string, minor: number) => ({ path, type: 'c' as const, major: 1, minor, fileMode: 0o600, uid: 0, gid: 0 });
  const { devices } = buildSpec(plain, { ...host, hostDevices: [node('/dev/zero', 20), node('/dev/full', 21)], askedDevices: [{ device: node('/dev/zero', 30), access: 'rwm' }] }).linux;
  expect(Object.fromEntries(devices.map(({ path, minor }) => [path, minor]))).toEqual({ '/dev/null': 3, '/dev/zero': 30, '/dev/full': 21, '/dev/random': 8, '/dev/urandom': 9, '/dev/tty': 0 });
});

test('nothing is inheritable, and the default filter is there', () => {
  const spec = buildSpec(plain, host);
  expect(spec.process.capabilities).toMatchObject({ inheritable: [], ambient: [] });
  expect(spec.linux.seccomp?.program.length).toBeGreaterThan(0);
});

test('the user\'s mount stands in for a default one, and a deeper mount comes after its parent', () => {
  const mount = { type: 'bind', source: '/src', readOnly: true, propagation: '' } as const;
  expect(mountAt({ ...plain, mounts: [{ ...mount, target: '/etc/hosts' }] }, '/etc/hosts')).toEqual([{ destination: '/etc/hosts', type: 'bind', source: '/src', options: ['rbind', 'ro', 'rprivate'] }]);
  expect(mountAt({ ...plain, mounts: [{ ...mount, target: '/dev/shm' }] }, '/dev/shm')).toMatchObject([{ type: 'bind' }]);
  expect(mountAt({ ...plain, mounts: [{ ...mount, target: '/dev' }] }, '/dev/pts')).toEqual([]);
  const order = buildSpec({ ...plain, mounts: [{ ...mount, target: '/a/b' }, { ...mount, target: '/a' }] }, host).mounts.map(({ destination }) => destination);
  expect(order.indexOf('/a')).toBeLessThan(order.indexOf('/a/b'));
});

test('--tmpfs is nosuid, nodev and noexec unless it says otherwise', () => {
  const of = (options: string, readOnly = false) => mountAt({ ...plain, mounts: [{ type: 'tmpfs', source: '', target: '/t', readOnly, propagation: '', options }] }, '/t')[0]?.options;
  expect(of('')).toEqual(['noexec', 'nosuid', 'nodev', 'rw']);
  expect(of('size=1m,exec', true)).toEqual(['nosuid', 'nodev', 'size=1m', 'exec', 'ro']);
});

test('of two mounts at one target the later stands in for the other', () => {
  const common = { source: '', readOnly: false, propagation: '' };
  const mounts = [{ ...common, type: 'volume', target: '/t' }, { ...common, type: 'bind', target: '/u' }, { ...common, type: 'tmpfs', target: '/t' }] as const;
  expect(['/t', '/u'].map((target) => mountAt({ ...plain, mounts }, target).map(({ type }) => type))).toEqual([['tmpfs'], ['bind']]);
});

test('the environment has PATH, HOSTNAME and TERM first, and the last word wins in the first place', () => {
  expect(environment(['A=1', 'PATH=/x', 'A=2', 'HOSTNAME'], { hostname: 'box', terminal: true })).toEqual(['PATH=/x', 'TERM=xterm', 'A=2']);
  expect(environment([], { hostname: 'box', terminal: false })).toEqual(['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOSTNAME=box']);
});

test('a sysctl of the host is refused', () => {
  const of = (name: string, network: LaunchFields['network'] = { mode: 'none' }) => () => buildSpec({ ...plain, network, sysctls: { [name]: '1' } }, host);
  expect(of('kernel.panic')).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('sysctl "kernel.panic" is not in a separate kernel namespace') as string }) as Error);
  expect(of('net.ipv4.ip_forward', { mode: 'host' })).toThrow('not private');
  for (const name of ['net.ipv4.ip_forward', 'kernel.shmmax', 'fs.mqueue.msg_max', 'net/ipv4/ip_forward']) expect(of(name)).not.toThrow();
  for (const name of ['net.ipv4/../../kernel/panic', 'kernel/panic']) expect(of(name)).toThrow();
});

test('limits: the user\'s before the engine\'s, -1 is none', () => {
  const spec = buildSpec({ ...plain, ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }] }, { ...host, defaultUlimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }, { Name: 'core', Soft: -1, Hard: -1 }] });
  expect(spec.process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }, { type: 'RLIMIT_CORE', soft: -1, hard: -1, optional: true }]);
  expect(rlimitValue(-1)).toBe(0xffffffffffffffffn);
  expect(() => buildSpec({ ...plain, ulimits: [{ Name: 'nofile', Soft: 3, Hard: 2 }] }, host)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('soft limit') as string }) as Error);
  expect(() => buildSpec({ ...plain, ulimits: [{ Name: 'constructor', Soft: 1, Hard: 2 }] }, host)).toThrow('invalid ulimit type');
});

test('in a hosts file the named lines get their address, or go; what a container wrote of its own stays', () => {
  const text = '127.0.0.1\tlocalhost\n172.17.0.2\tdb store\n172.17.0.2\tmy-db db store\n10.0.0.1  mine db # db\nrubbish\n172.17.0.2\tdb.test';
  expect(changedHosts(text, [{ name: 'db', address: '172.17.0.5' }, { name: 'my-db' }, { name: 'nobody', address: '172.17.0.9' }])).toBe(
    '127.0.0.1\tlocalhost\n172.17.0.5\tdb store\n10.0.0.1  mine db # db\nrubbish\n172.17.0.2\tdb.test',
  );
});

test('hosts, hostname and resolv.conf read as dockerd writes them', () => {
  expect(hostsFile({ hostname: 'box', domainname: 'example.org', extraHosts: ['db:10.0.0.2', 'six:[::2]'], address: '172.17.0.2' })).toBe(
    '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n10.0.0.2\tdb\n::2\tsix\n172.17.0.2\tbox.example.org box\n',
  );
  expect(hostnameFile('box')).toBe('box\n');
  const none = { dns: [], dnsSearch: [], dnsOptions: [] };
  expect(resolvConf({ host: 'nameserver 127.0.0.53\nnameserver ::1\nsearch a b # c\noptions ndots:1\n', ...none })).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\nsearch a b\noptions ndots:1\n');
  expect(resolvConf({ host: 'nameserver 10.0.0.1\nsearch a', ...none, dns: ['1.1.1.1'], dnsSearch: ['.'], dnsOptions: ['edns0'] })).toBe('nameserver 1.1.1.1\noptions edns0\n');
});

test('in a user namespace the host\'s cgroups are the mount that is there, a cgroup namespace\'s own are mounted', () => {
  const userNamespace = { path: '/proc/1/fd/10', ids: { uids: [], gids: [] } };
  const at = (task: Partial<LaunchFields>, more: Partial<SpecHost>) => buildSpec({ ...plain, ...task }, { ...host, cgroupMode: 'v2', cgroupDirectories: ['/sys/fs/cgroup/berth/c'], ...more }).mounts.find(({ destination }) => destination === '/sys/fs/cgroup');
  expect(at({ hostNamespaces: ['cgroup'] }, { userNamespace })).toMatchObject({ type: 'bind', source: '/sys/fs/cgroup', options: expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']) });
  expect(at({}, { userNamespace })).toMatchObject({ type: 'cgroup2' });
  expect(at({ hostNamespaces: ['cgroup'] }, {})).toMatchObject({ type: 'cgroup2' });
});
