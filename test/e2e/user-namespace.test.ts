import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lgetxattr } from '#libs/linux/extended-attributes.js';
import { readTar } from '#libs/oci/tar-reader.js';
import { type TarMember, writeTar } from '#libs/oci/tar-writer.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { freePort } from '../engine/private-addresses.js';

/** An engine whose containers have the subordinate ids of the user `daemon`, which Debian has and nobody uses. */
const OWNER = 'daemon';
const FIRST = 700_000;

let engine: TestEngine;
let here: string;
let given: Disposable;

beforeAll(async () => {
  given = giveSubordinateIds({ [OWNER]: `${FIRST}:65536`, 'berth-test': '800000:131072' });
  engine = await startEngine({ BERTH_USERNS_REMAP: OWNER, BERTH_USERNS_PRIVATE: 'berth-test' });
  await engine.loadBusybox();
  here = mkdtempSync('/var/tmp/berth-userns-');
}, patience(120_000));
afterAll(async () => {
  given[Symbol.dispose]();
  rmSync(here, { recursive: true, force: true });
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const sh = async (options: readonly string[], script: string): Promise<string> => {
  const { stdout, stderr } = await docker('run', '--rm', '--network', 'none', ...options, 'busybox', 'sh', '-c', script);
  return stdout + stderr;
};
const inspect = async (name: string, format: string): Promise<string> => (await docker('inspect', '--format', format, name)).stdout.trim();
const tarOf = async (...members: TarMember[]): Promise<Buffer> => Buffer.concat(await Array.fromAsync(writeTar(members)));
const statusOf = (pid: string, field: string): string => new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
const namespaceOf = (pid: string | number, name: string): number => statSync(`/proc/${pid}/ns/${name}`).ino;

test('root in a container is nobody on the host', async () => {
  await docker('run', '-d', '--name', 'plain', 'busybox', 'sleep', '1000');
  const pid = await inspect('plain', '{{.State.Pid}}');
  expect((await docker('exec', 'plain', 'id')).stdout).toContain('uid=0(root) gid=0(root)');
  expect(statusOf(pid, 'Uid')).toBe([FIRST, FIRST, FIRST, FIRST].join('\t'));
  expect(statusOf(pid, 'Gid')).toBe([FIRST, FIRST, FIRST, FIRST].join('\t'));
  expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', String(FIRST), '65536']);
  for (const name of ['user', 'mnt', 'net', 'pid', 'ipc', 'uts']) expect(namespaceOf(pid, name), name).not.toBe(namespaceOf('self', name));
  expect(await inspect('plain', '{{.HostConfig.UsernsMode}}')).toBe('');
  expect((await docker('info', '--format', '{{.SecurityOptions}}')).stdout).toContain('name=userns');
});

test('the shim and the exec\'s forerunner are gone from the container\'s sight: it has its own processes alone', async () => {
  expect((await docker('exec', 'plain', 'ls', '/proc')).stdout.split('\n').filter((name) => /^\d+$/.test(name)).length).toBeLessThanOrEqual(2);
});

test('what it writes has on the disk the ids that it has in there, and another container finds them', async () => {
  await docker('run', '--name', 'writer', '--network', 'none', '-v', 'shared:/shared', 'busybox', 'sh', '-c',
    'mkdir /made && echo 1 > /made/file && chown 1000:1001 /made/file && rm /bin/wget && rm -r /home && mkdir /home && echo 2 > /shared/file && chown 5 /shared/file');
  const directory = join(engine.settings.dataRoot, 'containers', await inspect('writer', '{{.Id}}'), 'diff');
  expect(statSync(join(directory, 'made'))).toMatchObject({ uid: 0, gid: 0 });
  expect(statSync(join(directory, 'made/file'))).toMatchObject({ uid: 1000, gid: 1001 });
  expect(statSync(join(directory, 'bin/wget'))).toMatchObject({ uid: 0, rdev: 0 });
  expect(statSync(join(engine.settings.dataRoot, 'volumes/shared/_data/file'))).toMatchObject({ uid: 5, gid: 0 });
  expect((await docker('diff', 'writer')).stdout.split('\n')).toEqual(expect.arrayContaining(['D /bin/wget', 'A /made/file']));
  await docker('commit', 'writer', 'written');
  for (const options of [[], ['--userns', 'host']]) {
    const { stdout } = await docker('run', '--rm', '--network', 'none', ...options, '-v', 'shared:/shared', 'written', 'stat', '-c', '%u:%g', '/made/file', '/shared/file', '/home');
    expect(stdout).toBe('1000:1001\n5:0\n0:0\n');
  }
  await docker('rm', '-v', 'writer');
});

test('a part of a volume has the ids of the container, too', async () => {
  await docker('run', '--rm', '-v', 'parted:/all', 'busybox', 'sh', '-c', 'mkdir -p /all/a/b && chown 5:6 /all/a/b');
  const { stdout } = await docker('run', '--rm', '--mount', 'type=volume,src=parted,dst=/part,volume-subpath=a/b', 'busybox', 'sh', '-c', 'stat -c %u:%g /part; touch /part/mine && echo made');
  expect(stdout).toBe('5:6\nmade\n');
  expect(statSync(join(engine.settings.dataRoot, 'volumes/parted/_data/a/b/mine'))).toMatchObject({ uid: 0, gid: 0 });
  await docker('volume', 'rm', 'parted');
});

test('a bind is the host\'s as it is: its files are nobody\'s who is known in there', async () => {
  writeFileSync(join(here, 'bound'), 'text', { mode: 0o600 });
  expect(await sh(['-v', `${here}/bound:/bound`], 'stat -c %u /bound; cat /bound')).toMatch(/^65534\ncat: can't open '\/bound': Permission denied/);
});

test('devices, terminal and kernel file systems are there', async () => {
  expect(await sh([], 'head -c 3 /dev/zero | wc -c; echo x > /dev/null && stat -c "%u %a" /dev/null /dev/shm /dev/pts /etc/hosts')).toBe('3\n0 666\n0 1777\n0 755\n0 644\n');
  expect((await docker('run', '--rm', '-t', 'busybox', 'sh', '-c', 'tty; stat -c %u /dev/console; ls /sys/class/net')).stdout.split('\r\n')).toEqual(['/dev/pts/0', '0', 'eth0  lo', '']);
  expect(await sh(['--device', '/dev/null:/dev/x/y'], 'stat -c %t:%T /dev/x/y; echo x > /dev/x/y && echo written')).toBe('1:3\nwritten\n');
  expect(await sh(['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.shmmax=12345'], 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax')).toBe('1\n12345\n');
});

test('its rights end where its namespaces end', async () => {
  const all = ['--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined'];
  expect(await sh(all, 'hostname own && hostname; mkdir /m && mount -t tmpfs none /m && echo mounted; ip link set lo down && echo down')).toBe('own\nmounted\ndown\n');
  expect(await sh(all, 'mknod /node c 1 3; echo 1 > /proc/sys/kernel/panic; mount -t ext4 /dev/null /m')).toMatch(/mknod: .*not permitted[\s\S]*(Read-only file system|Permission denied|nonexistent)/);
});

test('an exec is in the same user namespace, with its streams its own', async () => {
  expect((await docker('exec', 'plain', 'sh', '-c', 'cat /proc/self/uid_map; echo out > /dev/stdout')).stdout.trim().split(/\s+/)).toEqual(['0', String(FIRST), '65536', 'out']);
  expect((await docker('exec', '-u', '1000', 'plain', 'sh', '-c', 'id -u; echo out > /dev/stdout')).stdout).toBe('1000\nout\n');
  expect((await docker('exec', '-t', 'plain', 'sh', '-c', 'stat -c %u $(tty); echo out > /dev/tty')).stdout).toBe('0\r\nout\r\n');
});

test('copies go in and out with the container\'s ids', async () => {
  writeFileSync(join(here, 'copied'), 'text');
  execFileSync('chown', ['7:8', join(here, 'copied')]);
  expect(await docker('cp', '-q', join(here, 'copied'), 'plain:/tmp/mine')).toMatchObject({ code: 0, stderr: '' });
  expect(await docker('cp', '-q', '-a', join(here, 'copied'), 'plain:/tmp/theirs')).toMatchObject({ code: 0, stderr: '' });
  expect((await docker('exec', 'plain', 'stat', '-c', '%u:%g', '/tmp/mine', '/tmp/theirs')).stdout).toBe('7:8\n7:8\n');
  const { stdout } = await docker('cp', 'plain:/tmp/theirs', '-');
  for await (const { uid, gid } of readTar((async function* () { yield Buffer.from(stdout); })())) expect([uid, gid]).toEqual([7, 8]);
  execFileSync('chown', ['70000:8', join(here, 'copied')]);
  expect((await docker('cp', '-a', join(here, 'copied'), 'plain:/tmp/far')).stderr).toContain('Container ID 70000 cannot be mapped to a host ID');
});

test('a file that is copied keeps its capabilities, for the container alone', async () => {
  const capabilities = Buffer.from('0100000200040000000000000000000000000000', 'hex'); // cap_net_bind_service, effective
  const tar = await tarOf({ path: 'busybox', body: readFileSync('/bin/busybox'), mode: 0o755, xattrs: new Map([['security.capability', capabilities]]) });
  expect(await engine.docker(['cp', '-', 'plain:/tmp'], tar)).toMatchObject({ code: 0, stderr: '' });
  const pid = await inspect('plain', '{{.State.Pid}}');
  const kept = lgetxattr(`/proc/${pid}/root/tmp/busybox`, 'security.capability');
  expect(kept?.subarray(4, 20)).toEqual(capabilities.subarray(4));
  expect([kept?.readUInt32LE(0), kept?.readUInt32LE(20)]).toEqual([0x03_000001, FIRST]);
  expect((await docker('exec', '-u', '1000', 'plain', '/tmp/busybox', 'grep', 'CapEff', '/proc/self/status')).stdout).toContain('0000000000000400');
});

test('a copy beside others that are half done makes its files by its own container\'s ids', async () => {
  await docker('run', '-d', '--name', 'of-host', '--network', 'none', '--userns', 'host', 'busybox', 'sleep', '1000');
  const clients: Socket[] = [];
  // As many as there are threads, so that the next is on one of theirs.
  for (const name of ['half-1', 'half-2', 'half-3', 'half-4']) {
    const half = (await tarOf({ path: `${name}/file`, body: Buffer.alloc(100_000) })).subarray(0, 2048);
    const client = connect(engine.socket);
    client.write('PUT /containers/plain/archive?path=/tmp HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\nContent-Length: 200000\r\n\r\n');
    client.write(half);
    clients.push(client);
    await docker('exec', 'plain', 'sh', '-c', `until [ -e /tmp/${name}/file ]; do sleep 0.05; done`);
  }
  const tar = await tarOf({ path: 'made/on/the/way', body: Buffer.from('text') });
  for (const name of ['of-host', 'plain']) {
    expect((await engine.docker(['cp', '-', `${name}:/tmp`], tar)).code).toBe(0);
    expect((await docker('exec', name, 'stat', '-c', '%u:%g', '/tmp/made', '/tmp/made/on/the/way')).stdout, name).toBe('0:0\n0:0\n');
  }
  for (const client of clients) client.destroy();
  await docker('rm', '-f', 'of-host');
}, patience(30_000));

test('a published port leads into it, and another container joins its network', async () => {
  const port = await freePort();
  await docker('run', '-d', '--name', 'web', '-p', `127.0.0.1:${port}:80`, 'busybox', 'sh', '-c', 'echo hello > /index.html; exec httpd -f -p 80');
  const answer = await fetch(`http://127.0.0.1:${port}/index.html`);
  expect(await answer.text()).toBe('hello\n');
  expect((await docker('run', '--rm', '--network', 'container:web', 'busybox', 'sh', '-c', 'ls /sys/class/net; wget -qO- http://127.0.0.1/index.html')).stdout).toBe('eth0\nlo\nhello\n');
  expect((await docker('run', '--rm', '--network', 'container:web', '--userns', 'host', 'busybox', 'cat', '/proc/self/uid_map')).stdout.trim()).toMatch(/^0\s+0\s/);
  await docker('rm', '-f', 'web');
});

test('a container with the processes, or the IPC, of another is in its user namespace, with a network of its own', async () => {
  await docker('run', '-d', '--name', 'owner', '--network', 'none', '--ipc', 'shareable', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'rider', '--cap-add', 'NET_ADMIN', '--pid', 'container:owner', '--ipc', 'container:owner', 'busybox', 'sleep', '2000');
  const [owner, rider] = [await inspect('owner', '{{.State.Pid}}'), await inspect('rider', '{{.State.Pid}}')];
  for (const name of ['user', 'pid', 'ipc']) expect(namespaceOf(rider, name), name).toBe(namespaceOf(owner, name));
  for (const name of ['mnt', 'net', 'uts', 'cgroup']) expect(namespaceOf(rider, name), name).not.toBe(namespaceOf(owner, name));
  expect(statusOf(rider, 'Uid')).toBe([FIRST, FIRST, FIRST, FIRST].join('\t'));
  const seen = await docker('exec', 'rider', 'sh', '-c', 'ps -o args; echo shared > /dev/shm/x; ls -A /sys/class/net; ip link set eth0 down && echo down; echo 1 > /proc/sys/kernel/pid_max');
  expect(seen.stdout).toMatch(/sleep 1000\n.*sleep 2000\n[\s\S]*eth0\nlo\ndown\n/);
  expect(seen.stderr).toContain('Read-only file system');
  expect((await docker('exec', 'owner', 'cat', '/dev/shm/x')).stdout).toBe('shared\n');
  expect(await sh(['--pid', 'container:rider', '--ipc', 'container:owner'], 'pidof sleep | wc -w; cat /dev/shm/x')).toBe('2\nshared\n');
  expect(await sh(['--userns', 'host', '--pid', 'container:rider'], 'cat /proc/self/uid_map; pidof sleep | wc -w')).toMatch(/^\s+0\s+0\s+\d+\n2\n$/);
  await docker('kill', 'owner');
  expect((await docker('wait', 'rider')).stdout).toBe('137\n');
  await docker('rm', 'owner', 'rider');
});

test('who shares with containers that share no user namespace is refused, and told why', async () => {
  const id: Record<string, string> = {};
  for (const [name, ...options] of [['one'], ['two'], ['outside', '--userns', 'host'], ['private', '--label', 'berth.userns=private']] as const)
    id[name] = (await docker('run', '-d', '--name', name, '--network', 'none', '--ipc', 'shareable', ...options, 'busybox', 'sleep', '1000')).stdout.trim();
  const refused = async (...options: string[]): Promise<string> => (await docker('run', '--rm', ...options, 'busybox', 'true')).stderr;
  expect(await refused('--pid', 'container:one', '--ipc', 'container:two')).toContain(`cannot join the processes of ${id['one']} and the IPC of ${id['two']}: each has a user namespace of its own`);
  expect(await refused('--pid', 'container:one', '--network', 'container:private')).toContain(`cannot join the network of ${id['private']} and the processes of ${id['one']}: each has a user namespace of its own`);
  expect(await refused('--ipc', 'container:outside')).toContain(`cannot join the IPC of ${id['outside']}, which has the host's user namespace: use --userns host`);
  expect(await refused('--pid', 'container:one', '--label', 'berth.userns=private')).toContain("cannot join another container's processes with a private user namespace");
  // Whose ids are nobody else's shares them with who joins it, and with nobody else.
  expect(await sh(['--pid', 'container:private'], 'cat /proc/self/uid_map')).toMatch(/^\s+0\s+8\d+\s+65536\n$/);
  await docker('rm', '-f', ...Object.keys(id));
});

describe('what dockerd refuses is refused in its words, and goes with the host\'s ids', () => {
  test.each([
    ['--privileged', 'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode'],
    ['--network=host', "cannot share the host's network namespace when user namespaces are enabled"],
    ['--pid=host', 'cannot share the host PID namespace when user namespaces are enabled'],
    ['--ipc=host', 'cannot share the host IPC namespace when user namespaces are enabled'],
  ])('%s', async (option, says) => {
    expect((await docker('run', '--rm', option, 'busybox', 'true')).stderr).toContain(says);
    expect((await docker('run', '--rm', option, '--userns=host', 'busybox', 'cat', '/proc/self/uid_map')).stdout.trim()).toMatch(/^0\s+0\s/);
  });
});

test('a private user namespace has ids that no other container has, and gives them back', async () => {
  const first = async (name: string): Promise<string> => statusOf(await inspect(name, '{{.State.Pid}}'), 'Uid').split('\t')[0] ?? '';
  for (const name of ['one', 'two']) await docker('run', '-d', '--name', name, '--network', 'none', '--label', 'berth.userns=private', 'busybox', 'sh', '-c', 'touch /mine; exec sleep 1000');
  expect([await first('one'), await first('two')]).toEqual(['800000', '865536']);
  expect(await inspect('one', '{{.HostConfig.UsernsMode}}')).toBe('private');
  expect((await docker('exec', 'two', 'stat', '-c', '%u', '/mine')).stdout).toBe('0\n');
  expect((await docker('run', '--rm', '--label', 'berth.userns=private', 'busybox', 'true')).stderr).toContain('all 2 ranges of ids for private user namespaces are in use: give "berth-test" more in /etc/subuid');
  await docker('rm', '-f', 'one');
  expect(await sh(['--label', 'berth.userns=private'], 'cat /proc/self/uid_map')).toMatch(/^\s+0\s+800000\s+65536\n$/);
  await docker('restart', '-t', '0', 'two');
  expect((await docker('exec', 'two', 'stat', '-c', '%u', '/mine')).stdout).toBe('0\n');
  await docker('rm', '-f', 'two');
});

test('a later engine finds the ids of what runs, and gives what starts those that it has now', async () => {
  await docker('run', '-d', '--name', 'own', '--network', 'none', '--label', 'berth.userns=private', 'busybox', 'sleep', '1000');
  await engine.down();
  await engine.up({ BERTH_USERNS_REMAP: '' });
  expect((await docker('exec', 'own', 'sh', '-c', 'id -u; cat /proc/self/uid_map')).stdout.trim().split(/\s+/)).toEqual(['0', '0', '800000', '65536']);
  expect((await docker('exec', 'plain', 'touch', '/later')).stderr).toBe('');
  expect(await docker('cp', '-q', join(here, 'bound'), 'plain:/tmp/again')).toMatchObject({ code: 0, stderr: '' });
  expect(await sh(['--label', 'berth.userns=private'], 'cat /proc/self/uid_map')).toMatch(/^\s+0\s+865536\s/);
  await docker('restart', '-t', '0', 'plain');
  expect((await docker('exec', 'plain', 'sh', '-c', 'cat /proc/self/uid_map; stat -c %u /later /tmp/theirs')).stdout.trim().split(/\s+/)).toEqual(['0', '0', '4294967295', '0', '7']);
  expect(readdirSync(join(engine.settings.runRoot, 'root'))).toEqual([]);
}, patience(120_000));
