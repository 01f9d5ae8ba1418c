import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { loadPounce, pounceOn } from './pounce.js';
import { hostNamespace, mountsOf, probeImage, type ProbeReport } from './probe-report.js';

/** A container whose ids are not the host's has all that keeps a default one in, and less of the host. */
const DEFAULT_CAPABILITIES = 'a80425fb';
const EPERM = 1;

let engine: TestEngine;
let given: Disposable;
beforeAll(async () => {
  given = giveSubordinateIds({ bin: '1000000:65536' });
  engine = await startEngine({ BERTH_USERNS_REMAP: 'bin' });
  expect(await engine.docker(['load', '--quiet'], await probeImage())).toMatchObject({ code: 0 });
  await loadPounce(engine);
}, 120_000);
afterAll(async () => {
  given[Symbol.dispose]();
  await engine?.stop();
}, 60_000);

async function probe(options: readonly string[] = []): Promise<ProbeReport> {
  const { stdout, stderr, code } = await engine.docker(['run', '--rm', ...options, 'probe', '/probe']);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return JSON.parse(stdout) as ProbeReport; // our own program's
}

async function probeInExec(...options: readonly string[]): Promise<ProbeReport> {
  const { stdout: id } = await engine.docker(['run', '-d', 'probe', 'sleep', '1000']);
  try {
    return JSON.parse((await engine.docker(['exec', ...options, id.trim(), '/probe'])).stdout) as ProbeReport; // our own program's
  } finally {
    await engine.docker(['rm', '-f', id.trim()]);
  }
}

test.each<[string, () => Promise<ProbeReport>]>([['a container', () => probe()], ['an exec', () => probeInExec()]])('%s has fourteen capabilities, a filter, its own namespaces, and no descriptor of the engine', async (_, look) => {
  const report = await look();
  expect(report.capabilities).toEqual({ effective: DEFAULT_CAPABILITIES, permitted: DEFAULT_CAPABILITIES, inheritable: '0', bounding: DEFAULT_CAPABILITIES, ambient: '0' });
  expect(report).toMatchObject({ uids: [0, 0, 0], gids: [0, 0, 0], groups: [0], session: expect.any(Number), dumpable: 1, secureBits: 0, noNewPrivileges: 0, status: { Seccomp: '2' } });
  expect(report.descriptors.map(({ fd }) => fd)).toEqual([0, 1, 2]);
  for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const) expect([name, report.namespaces[name]]).not.toEqual([name, hostNamespace(name)]);
});

test('with its own namespaces it has the container\'s own in an exec: none is left from the way there', async () => {
  const { stdout } = await engine.docker(['run', '-d', 'probe', 'sleep', '1000']);
  const look = async (...args: string[]): Promise<string> => (await engine.docker(args)).stdout;
  const links = (pid: string): string => `for n in user mnt net pid ipc uts cgroup; do readlink /proc/${pid}/ns/$n; done`;
  expect(await look('exec', stdout.trim(), 'sh', '-c', links('self'))).toBe(await look('exec', stdout.trim(), 'sh', '-c', links('1')));
  await engine.docker(['rm', '-f', stdout.trim()]);
});

test('mounts, masks and devices are those of a default container', async () => {
  const report = await probe();
  const mounts = mountsOf(report);
  const optionsOf = (target: string): readonly string[] => [...(mounts.findLast((mount) => mount.target === target)?.options ?? [])];
  expect(optionsOf('/proc')).toEqual(expect.arrayContaining(['rw', 'nosuid', 'nodev', 'noexec']));
  expect(optionsOf('/sys')).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
  for (const path of ['/dev/pts', '/dev/shm', '/dev/mqueue']) expect([path, ...optionsOf(path)]).toEqual(expect.arrayContaining(['nosuid', 'noexec']));
  for (const path of ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys']) expect([path, ...optionsOf(path)]).toEqual(expect.arrayContaining(['ro']));
  for (const mount of mounts.filter(({ target }) => target.startsWith('/sys/fs/cgroup'))) expect([mount.target, ...mount.options]).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec']));
  expect(mounts.filter(({ propagation }) => propagation.includes('shared:'))).toEqual([]);
  // Where its parts were prepared is out of its sight.
  expect(mounts.filter(({ target }) => /layers|own|merged|node\d/.test(target) || target.startsWith(engine.settings.runRoot))).toEqual([]);
  expect(mounts.filter(({ target }) => target === '/')).toHaveLength(1);
  for (const [path, seen] of Object.entries(report.masks)) expect([path, seen]).toEqual([path, expect.stringMatching(/^(absent|null device|empty directory)$/)]);
  expect(report.devices.map(({ path }) => path).filter((path) => !path.startsWith('/dev/pts/')).toSorted()).toEqual(['/dev/full', '/dev/null', '/dev/random', '/dev/tty', '/dev/urandom', '/dev/zero']);
  for (const { path, openErrno } of report.devices) expect([path, openErrno]).toEqual([path, path === '/dev/tty' ? 6 : 0]); // ENXIO: no terminal
});

test('it can make no device at all, whatever it is given', async () => {
  for (const options of [[], ['--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined']]) {
    const { kernelLogNode, memoryNode, loopNode } = await probe(options);
    for (const attempt of [kernelLogNode, memoryNode, loopNode]) expect(attempt.makeErrno).toBe(EPERM);
  }
});

test('--user: no capability is left but in the bounding set', async () => {
  const none = { effective: '0', permitted: '0', inheritable: '0', ambient: '0', bounding: DEFAULT_CAPABILITIES };
  expect(await probe(['--user', 'sam'])).toMatchObject({ uids: [1234, 1234, 1234], gids: [55, 55, 55], capabilities: none });
  expect(await probeInExec('--user', '4000:5000')).toMatchObject({ uids: [4000, 4000, 4000], gids: [5000, 5000, 5000], capabilities: none });
});

test('one that may trace sees no root but its own and no file of the host in an exec that is being born', async () => {
  expect(await pounceOn(engine, { options: ['--cap-add', 'SYS_PTRACE'], args: ['trace'], births: 25 })).toEqual([]);
}, 120_000);
