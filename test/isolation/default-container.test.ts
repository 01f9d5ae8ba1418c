import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { hostNamespace, mountsOf, probeImage, type ProbeReport } from './probe-report.js';

const DEFAULT_CAPABILITIES = 'a80425fb';
const OOM_SCORE = '/proc/self/oom_score_adj';
const [ENOSYS, EPERM] = [38, 1];

let engine: TestEngine;
beforeAll(async () => {
  // The engine's is nothing that a container inherits.
  writeFileSync(OOM_SCORE, '100');
  engine = await startEngine();
  writeFileSync(OOM_SCORE, '0');
  const load = await engine.docker(['load', '--quiet'], await probeImage());
  expect(load).toMatchObject({ code: 0 });
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

async function probe(options: readonly string[] = [], args: readonly string[] = []): Promise<ProbeReport> {
  const { stdout, stderr, code } = await engine.docker(['run', '--rm', ...options, 'probe', '/probe', ...args]);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout) as ProbeReport; // our own program's
}

async function withRunning<T>(options: readonly string[], use: (name: string) => Promise<T>): Promise<T> {
  const { stdout, stderr } = await engine.docker(['run', '-d', ...options, 'probe', 'sleep', '1000']);
  expect(stderr).toBe('');
  try {
    return await use(stdout.trim());
  } finally {
    await engine.docker(['rm', '-f', stdout.trim()]);
  }
}

const probeIn = async (name: string, options: readonly string[] = []): Promise<ProbeReport> => {
  const { stdout, stderr, code } = await engine.docker(['exec', ...options, name, '/probe']);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout) as ProbeReport;
};

const NONE = { effective: '0', permitted: '0', inheritable: '0', ambient: '0' };

test('a default container has fourteen capabilities, a filter, no descriptor and no keyring of the engine', async () => {
  const report = await probe();
  expect(report.capabilities).toEqual({ effective: DEFAULT_CAPABILITIES, permitted: DEFAULT_CAPABILITIES, inheritable: '0', bounding: DEFAULT_CAPABILITIES, ambient: '0' });
  expect(report.status['Seccomp']).toBe('2');
  expect(report.noNewPrivileges).toBe(0);
  expect(report.descriptors.map(({ fd }) => fd)).toEqual([0, 1, 2]);
  for (const { fd, target } of report.descriptors) expect(target).toMatch(fd === 0 ? /^\/dev\/null$/ : /^pipe:/);
  expect(report).toMatchObject({ uids: [0, 0, 0], gids: [0, 0, 0], pid: 1, parent: 0, session: 1, workingDirectory: '/', umask: 0o22, dumpable: 1, secureBits: 0 });
  expect(report.status['SigIgn']).toBe('0000000000000000');
  expect(report.status['SigBlk']).toBe('0000000000000000');
  expect(report.keyring.errno).toBe(EPERM); // the filter
  expect(report.hostname).toMatch(/^[0-9a-f]{12}$/);
  expect(report.initCommand).toBe('/probe\0');
  expect(report.initEnvironment?.split('\0').map((variable) => variable.split('=')[0])).toEqual(['PATH', 'HOSTNAME', 'HOME', '']);
});

test('a default container has namespaces of its own and sees only its own cgroup', async () => {
  const { namespaces, cgroups } = await probe();
  for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'] as const) expect([name, namespaces[name]]).not.toEqual([name, hostNamespace(name)]);
  expect(cgroups?.split('\n').filter(Boolean).map((line) => line.split(':')[2]).filter((path) => path !== '/')).toEqual([]);
});

test('a default container has mounts that no set-user-id program, device or write comes out of where none belongs', async () => {
  const mounts = mountsOf(await probe());
  const optionsOf = (target: string): readonly string[] => [...(mounts.findLast((mount) => mount.target === target)?.options ?? [])];
  expect(optionsOf('/proc')).toEqual(expect.arrayContaining(['rw', 'nosuid', 'nodev', 'noexec']));
  expect(optionsOf('/sys')).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
  expect(optionsOf('/dev')).toEqual(expect.arrayContaining(['nosuid']));
  for (const path of ['/dev/pts', '/dev/shm', '/dev/mqueue']) expect([path, ...optionsOf(path)]).toEqual(expect.arrayContaining(['nosuid', 'noexec']));
  for (const path of ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys']) expect([path, ...optionsOf(path)]).toEqual(expect.arrayContaining(['ro']));
  for (const mount of mounts.filter(({ target }) => target.startsWith('/sys/fs/cgroup'))) expect([mount.target, ...mount.options]).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
  // Nothing that is mounted inside reaches the host or another container.
  expect(mounts.filter(({ propagation }) => propagation.includes('shared:'))).toEqual([]);
  // No path of the host is seen but the container's own files.
  expect(mounts.filter(({ target }) => target.startsWith('/etc/')).map(({ target }) => target).toSorted()).toEqual(['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']);
});

test('what the kernel tells all is masked, and of devices only the harmless ones are there', async () => {
  const report = await probe();
  for (const [path, seen] of Object.entries(report.masks)) expect([path, seen]).toEqual([path, expect.stringMatching(/^(absent|null device|empty directory)$/)]);
  expect(report.devices.map(({ path }) => path).filter((path) => !path.startsWith('/dev/pts/')).toSorted()).toEqual(['/dev/full', '/dev/null', '/dev/random', '/dev/tty', '/dev/urandom', '/dev/zero']);
  for (const { path, openErrno } of report.devices) expect([path, openErrno]).toEqual([path, path === '/dev/tty' ? 6 : 0]); // ENXIO: no terminal
  // Docker lets it make nodes; the device rules keep it from opening them.
  expect(report.kernelLogNode).toEqual({ makeErrno: 0, openErrno: EPERM });
  expect(report.memoryNode).toEqual({ makeErrno: 0, openErrno: EPERM });
  expect(report.loopNode).toEqual({ makeErrno: 0, openErrno: EPERM });
});

test('--privileged: all capabilities, no filter, devices of the host, nothing masked, and still namespaces of its own', async () => {
  const report = await probe(['--privileged']);
  expect(BigInt(`0x${report.capabilities.bounding}`) & BigInt(0x80425fb)).toBe(BigInt(0x80425fb));
  expect(report.capabilities.effective).toBe((await probe(['--cap-add', 'ALL'])).capabilities.effective);
  expect(report.status['Seccomp']).toBe('0');
  expect(report.descriptors.map(({ fd }) => fd)).toEqual([0, 1, 2]);
  expect(report.kernelLogNode.openErrno).toBe(0);
  expect(mountsOf(report).findLast(({ target }) => target === '/sys')?.options.has('rw')).toBe(true);
  for (const name of ['mnt', 'pid', 'net', 'uts', 'ipc'] as const) expect(report.namespaces[name]).not.toBe(hostNamespace(name));
  // A keyring of the container's own, not root's of the host.
  expect(report.keyring.description).toMatch(/^keyring;0;0;[0-9a-f]+;_ses$/);
});

test('--read-only leaves only the kernel\'s own file systems writable', async () => {
  const mounts = mountsOf(await probe(['--read-only', '--tmpfs', '/run:size=64k']));
  expect(mounts.find(({ target }) => target === '/')?.options.has('ro')).toBe(true);
  const run = mounts.find(({ target }) => target === '/run');
  expect([...(run?.options ?? [])]).toEqual(expect.arrayContaining(['rw', 'nosuid', 'nodev', 'noexec']));
  expect((await engine.docker(['run', '--rm', '--read-only', 'probe', 'touch', '/new'])).stderr).toContain('Read-only file system');
});

test('--user: no capability is left but in the bounding set, ids and groups are what the image says', async () => {
  const sam = await probe(['--user', 'sam']);
  expect(sam).toMatchObject({ uids: [1234, 1234, 1234], gids: [55, 55, 55], capabilities: { ...NONE, bounding: DEFAULT_CAPABILITIES } });
  expect(sam.groups.toSorted()).toEqual([55, 77]);
  expect(sam.initEnvironment).toContain('HOME=/home/sam');
  const number = await probe(['--user', '4000:5000', '--group-add', '6000']);
  expect(number).toMatchObject({ uids: [4000, 4000, 4000], gids: [5000, 5000, 5000], capabilities: NONE });
  expect(number.groups.toSorted()).toEqual([5000, 6000]);
});

test('--cap-drop ALL with --cap-add leaves exactly what was added, as root and in an exec', async () => {
  const one = { effective: '400', permitted: '400', inheritable: '0', bounding: '400', ambient: '0' };
  expect((await probe(['--cap-drop', 'ALL', '--cap-add', 'NET_BIND_SERVICE'])).capabilities).toEqual(one);
  await withRunning(['--cap-drop', 'ALL', '--cap-add', 'NET_BIND_SERVICE'], async (name) => {
    expect((await probeIn(name)).capabilities).toEqual(one);
    expect((await probeIn(name, ['--user', '7'])).capabilities).toEqual({ ...NONE, bounding: '400' });
  });
});

test('--security-opt: no-new-privileges, an unconfined process, a profile of the user\'s own', async () => {
  expect(await probe(['--security-opt', 'no-new-privileges'])).toMatchObject({ noNewPrivileges: 1, status: { Seccomp: '2' } });
  const unconfined = await probe(['--security-opt', 'seccomp=unconfined']);
  expect(unconfined).toMatchObject({ noNewPrivileges: 0, status: { Seccomp: '0' } });
  expect(unconfined.keyring.description).toMatch(/^keyring;0;0;[0-9a-f]+;_ses$/);
  const profile = `${engine.settings.dataRoot}/profile.json`;
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['keyctl'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS }] }));
  expect(await probe(['--security-opt', `seccomp=${profile}`])).toMatchObject({ keyring: { errno: ENOSYS }, status: { Seccomp: '2' } });
  // What the way to the command takes is nothing of the command's: a profile may forbid it.
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['close_range', 'sendmsg', 'setsid', 'prctl', 'rt_sigprocmask'], action: 'SCMP_ACT_ERRNO' }] }));
  for (const options of [[], ['--security-opt', 'no-new-privileges']]) {
    const { stdout, stderr } = await engine.docker(['run', '--rm', '--network', 'none', '--security-opt', `seccomp=${profile}`, ...options, 'probe', 'echo', 'hi']);
    expect([stdout, stderr]).toEqual(['hi\n', '']);
  }
});

test('--oom-score-adj counts for the container and for what is executed in it; without, it is no container\'s that the engine has one', async () => {
  for (const [options, expected] of [[['--oom-score-adj', '500'], '500\n'], [[], '0\n']] as const) {
    await withRunning([...options], async (name) => {
      expect((await probeIn(name)).oomScoreAdj).toBe(expected);
      expect((await probe([...options])).oomScoreAdj).toBe(expected);
    });
  }
});

test('--network host joins the host\'s network and nothing else of it', async () => {
  const { namespaces } = await probe(['--network', 'host']);
  expect(namespaces.net).toBe(hostNamespace('net'));
  for (const name of ['mnt', 'pid', 'uts', 'ipc', 'cgroup'] as const) expect(namespaces[name]).not.toBe(hostNamespace(name));
});

test('--init: process 1 is the engine\'s, with nothing of the engine open', async () => {
  const report = await probe(['--init']);
  expect(report.initCommand?.split('\0')[0]).toBe('/sbin/docker-init');
  expect(report.pid).not.toBe(1);
  expect(report.descriptors.map(({ fd }) => fd)).toEqual([0, 1, 2]);
  expect(report.initEnvironment).not.toContain('BERTH');
});

test('an exec has the container\'s namespaces, cgroup, filter and rights, and no descriptor more', async () => {
  await withRunning([], async (name) => {
    const container = JSON.parse((await engine.docker(['exec', name, '/probe'])).stdout) as ProbeReport;
    const again = await probeIn(name);
    expect(container.namespaces).toEqual(again.namespaces);
    for (const space of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'] as const) expect(again.namespaces[space]).not.toBe(hostNamespace(space));
    expect(again).toMatchObject({ capabilities: { effective: DEFAULT_CAPABILITIES, bounding: DEFAULT_CAPABILITIES, inheritable: '0', ambient: '0' }, status: { Seccomp: '2' }, umask: 0o22, dumpable: 1 });
    expect(again.descriptors.map(({ fd }) => fd)).toEqual([0, 1, 2]);
    expect(again.cgroups?.split('\n').filter(Boolean).map((line) => line.split(':')[2]).filter((path) => path !== '/')).toEqual([]);
    expect(again.memoryNode.openErrno).toBe(EPERM);
    const privileged = await probeIn(name, ['--privileged']);
    expect(privileged.capabilities.bounding).not.toEqual(DEFAULT_CAPABILITIES);
    expect(privileged.status['Seccomp']).toBe('2'); // the container's filter goes on, as with dockerd and runc
    expect(privileged.kernelLogNode.openErrno).toBe(EPERM); // its device rules, too
  });
});
