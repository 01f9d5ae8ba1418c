import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeHostTraces } from '../../../services/engine/host-traces.js';
import { startEngine, type TestEngine } from '../../engine/engine.js';
import { differencesAtRest, until } from '../settled.js';
import { cgroupsOf, isFrozen } from './host-mounts.js';
import { portsHeldBy } from './host-network.js';
import { differences } from './oracle.js';

let engine: TestEngine;
let id: string;
const docker = (...args: string[]) => engine.docker(args);
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  id = (await docker('run', '-d', '--name', 'web', '-p', '127.0.0.1:0:80', '-v', 'store:/data', '-v', '/anonymous', 'busybox', 'sleep', '1000')).stdout.trim();
  await docker('create', '--name', 'idle', 'busybox', 'true');
  await docker('run', '--name', 'done', '--network', 'none', 'busybox', 'true');
});
afterAll(() => engine.stop());

test('an engine at rest with containers that run, ended or never started differs in nothing', async () => {
  expect(await differencesAtRest(engine.settings)).toEqual([]);
});

/** Makes one leak, sees it named, takes it back. */
async function named(says: RegExp, leak: () => void | Promise<void>, mend: () => void | Promise<void>): Promise<void> {
  await leak();
  try {
    expect((await differences(engine.settings)).join('\n')).toMatch(says);
  } finally {
    await mend();
  }
  expect(await differencesAtRest(engine.settings)).toEqual([]);
}

test('a cgroup that no container has is named', async () => {
  const path = `/sys/fs/cgroup/${run('ls', '/sys/fs/cgroup').includes('cgroup.procs') ? '' : 'memory'}${engine.settings.cgroupParent}/feedfeedfeed`;
  await named(/the container feedfeedfeed, which does not run, has cgroups/, () => void mkdirSync(path), () => rmdirSync(path));
});

test('a cgroup that was made for containers, and is there without any, is named', async () => {
  const parent = `${engine.settings.cgroupParent}-asked`;
  await engine.docker(['run', '--rm', '--network', 'none', '--cgroup-parent', parent, 'busybox', 'true']);
  const path = `/sys/fs/cgroup/${run('ls', '/sys/fs/cgroup').includes('cgroup.procs') ? '' : 'memory'}${parent}`;
  await named(/the cgroup \S+-asked was made for containers, and none is in it/, () => void mkdirSync(path), () => rmdirSync(path));
});

test('a process in the cgroup of a container that does not run is named', async () => {
  const path = `/sys/fs/cgroup/${run('ls', '/sys/fs/cgroup').includes('cgroup.procs') ? '' : 'memory'}${engine.settings.cgroupParent}/feedfeedfeed`;
  mkdirSync(path);
  const child = spawn('sleep', ['1000']);
  writeFileSync(`${path}/cgroup.procs`, String(child.pid));
  await named(/the process \d+ \(sleep\) is in the cgroup of the container feedfeedfeed/, () => undefined, async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    await until('the cgroup is empty', () => (rmdirSync(path), true));
  });
});

test('a container that stands still without a word in the log is named', async () => {
  const [hierarchy = ''] = (cgroupsOf(engine.settings).get(id) ?? []).filter((mount) => existsSync(`${mount}${engine.settings.cgroupParent}/${id}/freezer.state`) || existsSync(`${mount}${engine.settings.cgroupParent}/${id}/cgroup.freeze`));
  const directory = `${hierarchy}${engine.settings.cgroupParent}/${id}`;
  const [file, frozen, thawed] = existsSync(`${directory}/freezer.state`) ? ['freezer.state', 'FROZEN', 'THAWED'] as const : ['cgroup.freeze', '1', '0'] as const;
  await named(
    /the container [0-9a-f]{12} is not paused by the log, and its processes stand still/,
    async () => {
      writeFileSync(`${directory}/${file}`, frozen);
      await until('it stands still', () => isFrozen(engine.settings, id, [hierarchy]));
    },
    () => writeFileSync(`${directory}/${file}`, thawed),
  );
});

test('the sockets of a process that hold ports are seen', async () => {
  const listening = createServer().listen(0, '127.0.0.1');
  const waiting = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(listening, 'listening'), once(waiting, 'listening')]);
  const held = portsHeldBy(process.pid);
  expect(held).toContain(`tcp . ${(listening.address() as AddressInfo).port}`);
  expect(held).toContain(`udp . ${waiting.address().port}`);
  listening.close();
  waiting.close();
});

test('a mount is named, in the host and in a namespace of its own', async () => {
  const target = `${engine.settings.dataRoot}/volumes/store/_data`;
  await named(/a mount at .*store\/_data is held in the mount namespace of process \d+/, () => void run('mount', '-t', 'tmpfs', 'none', target), () => void run('umount', target));
  const hidden = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', `mount -t tmpfs none ${target} && echo mounted && exec sleep 1000`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => hidden.stdout.once('data', resolve));
  await named(new RegExp(`a mount at .*store/_data is held in the mount namespace of process ${hidden.pid}`), () => undefined, async () => {
    const ended = new Promise((resolve) => hidden.once('exit', resolve));
    hidden.kill('SIGKILL');
    await ended;
  });
});

test('a link on the bridge that leads nowhere is named', async () => {
  const { bridge } = engine.settings;
  const name = `vt${bridge.slice(2)}`;
  await named(new RegExp(`the link ${name} on ${bridge} leads to no container`), () => void (run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`), run('ip', 'link', 'set', name, 'master', bridge)), () => void run('ip', 'link', 'delete', name));
});

test('a wrong address, a foreign port and a missing rule are named', async () => {
  const { bridge, nftTable, subnet } = engine.settings;
  const foreign = '203.0.113.9/24';
  await named(/the bridge bt.* has the addresses .*203\.0\.113\.9/, () => void run('ip', 'addr', 'add', foreign, 'dev', bridge), () => void run('ip', 'addr', 'del', foreign, 'dev', bridge));
  const element = `{ tcp . 4711 : ${subnet.replace(/0\/24$/, '9')} . 80 }`;
  await named(/the firewall publishes tcp \. 4711/, () => void run('nft', 'add', 'element', 'ip', nftTable, 'published', element), () => void run('nft', 'delete', 'element', 'ip', nftTable, 'published', '{ tcp . 4711 }'));
  const text = run('nft', 'list', 'table', 'ip', nftTable);
  await named(/the table .* is not there/, () => void run('nft', 'delete', 'table', 'ip', nftTable), () => execFileSync('nft', ['-f', '-'], { input: text }) && undefined);
  await named(/the firewall lacks the rule: ip saddr/, () => void run('nft', 'flush', 'chain', 'ip', nftTable, 'postrouting'), () => execFileSync('nft', ['-f', '-'], { input: `delete table ip ${nftTable}\n${text}` }) && undefined);
});

test('directories, blobs and sockets that the log does not know are named', async () => {
  const { dataRoot, runRoot } = engine.settings;
  for (const [says, path] of [
    [/the directory of container feedfeedfeed is on the disk/, `${dataRoot}/containers/feedfeedfeed`],
    [/the volume lost is on the disk/, `${dataRoot}/volumes/lost`],
    [/the layer 0123 is on the disk/, `${dataRoot}/layers/0123`],
    [/the blob 0123 is on the disk/, `${dataRoot}/content/blobs/sha256/0123`],
    [/the task directory feedfeedfeed is on the disk/, `${runRoot}/tasks/feedfeedfeed-1`],
    [/a half-written file pids\/x\.new/, `${runRoot}/pids/x.new`],
  ] as const) await named(says, () => void mkdirSync(path), () => rmSync(path, { recursive: true }));
  const server = createServer();
  await named(/the socket odd\.sock belongs to nobody/, () => new Promise((resolve) => server.listen(`${runRoot}/odd.sock`, resolve)), () => new Promise((resolve) => server.close(() => resolve())));
});

test('a firewall that somebody flushed is made anew with the next published port, and by an executor that starts', async () => {
  const { nftTable, bridge } = engine.settings;
  run('nft', 'delete', 'table', 'ip', nftTable);
  expect((await docker('run', '-d', '--name', 'later', '-p', '127.0.0.1:0:80', 'busybox', 'sleep', '1000')).code).toBe(0);
  expect(await differencesAtRest(engine.settings)).toEqual([]);
  run('nft', 'delete', 'table', 'ip', nftTable);
  run('ip', 'addr', 'flush', 'dev', bridge);
  process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
  expect(await differencesAtRest(engine.settings, 30_000)).toEqual([]);
  await docker('rm', '-f', 'later');
}, 60_000);

test('a removal of the host network leaves neither bridge nor table', async () => {
  const other = await startEngine();
  await other.down();
  await removeHostTraces(other.settings);
  await removeHostTraces(other.settings);
  expect(run('sh', '-c', `ip -o link | grep -c ${other.settings.bridge}; nft list tables | grep -c ${other.settings.nftTable}; true`)).toBe('0\n0\n');
  await other.stop();
}, 60_000);

test('a shim that is lost is named, or its end is on the log', async () => {
  const shim = run('pgrep', '-f', `^berth-shim.*tasks/${id}`).trim();
  process.kill(Number(shim), 'SIGSTOP');
  process.kill(Number(shim), 'SIGKILL');
  await until('the container has exited with 255', async () => (await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'web')).stdout === 'exited 255\n');
  expect(await differencesAtRest(engine.settings)).toEqual([]);
}, 60_000);
