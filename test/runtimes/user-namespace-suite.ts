import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { isInstalled, NO_V2_CONTROLLERS } from './runtimes-engine.js';

const OWNER = 'news';
const FIRST = 1_300_000;

export function describeInUserNamespace(runtimes: readonly string[]): void {
  let given: Disposable;
  let engine: TestEngine;
  beforeAll(async () => {
    given = giveSubordinateIds({ [OWNER]: `${FIRST}:65536`, 'berth-test-runtimes': '1400000:65536' });
    engine = await startEngine({ BERTH_USERNS_REMAP: OWNER, BERTH_USERNS_PRIVATE: 'berth-test-runtimes' }, NO_V2_CONTROLLERS);
    await engine.loadBusybox();
  }, patience(300_000));
  afterAll(async () => {
    given[Symbol.dispose]();
    await engine?.stop();
  }, patience(180_000));

  const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
  const inspect = async (name: string, format: string): Promise<string> => (await docker('inspect', '--format', format, name)).stdout.trim();
  const namespaceOf = (pid: string, name: string): number => statSync(`/proc/${pid}/ns/${name}`).ino;

  for (const runtime of runtimes) describe.skipIf(!isInstalled(runtime))(`in a user namespace, with --runtime ${runtime}`, () => {
    const run = (...args: string[]): Promise<CliResult> => docker('run', '--rm', '--runtime', runtime, ...args);
    const sh = async (...args: string[]): Promise<string> => {
      const { stdout, stderr } = await run('--network', 'none', ...args.slice(0, -1), 'busybox', 'sh', '-c', args.at(-1) ?? '');
      return stdout + stderr;
    };

    test('root is nobody on the host, and what it writes has its ids on the disk', async () => {
      const name = `plain-${runtime}`;
      await docker('run', '-d', '--name', name, '--runtime', runtime, '-v', `store-${runtime}:/data`, 'busybox', 'sh', '-c', 'echo 1 > /data/file && mkdir /made && chown 5:6 /data/file /made && echo done && exec sleep 1000');
      await expect.poll(async () => (await docker('logs', name)).stdout).toBe('done\n');
      const status = readFileSync(`/proc/${await inspect(name, '{{.State.Pid}}')}/status`, 'utf8');
      expect(status).toContain(`Uid:\t${FIRST}\t${FIRST}\t${FIRST}\t${FIRST}\n`);
      expect(statSync(join(engine.settings.dataRoot, 'volumes', `store-${runtime}`, '_data/file'))).toMatchObject({ uid: 5, gid: 6 });
      expect(statSync(join(engine.settings.dataRoot, 'containers', await inspect(name, '{{.Id}}'), 'diff/made'))).toMatchObject({ uid: 5, gid: 6 });
      expect((await docker('exec', name, 'sh', '-c', 'stat -c %u:%g /data/file /made /etc/hosts /; id -u; ls /sys/class/net; hostname > /data/name && echo written')).stdout).toBe('5:6\n5:6\n0:0\n0:0\n0\neth0\nlo\nwritten\n');
      expect((await docker('exec', '-u', '1000', name, 'sh', '-c', 'id -u; touch /made/x 2>&1')).stdout).toMatch(/^1000\n.*Permission denied/);
      await docker('rm', '-f', name);
      expect((await run('-v', `store-${runtime}:/data`, 'busybox', 'stat', '-c', '%u:%g', '/data/file')).stdout).toBe('5:6\n');
      await docker('volume', 'rm', `store-${runtime}`);
    });

    test('streams, a terminal, rights and limits are as without', async () => {
      expect(await engine.docker(['run', '--rm', '-i', '--runtime', runtime, 'busybox', 'sh', '-c', 'cat; echo err >&2; exit 7'], 'in\n')).toMatchObject({ stdout: 'in\n', stderr: 'err\n', code: 7 });
      expect((await run('-t', 'busybox', 'sh', '-c', 'tty; test -c /dev/console && echo console')).stdout).toBe('/dev/pts/0\r\nconsole\r\n');
      expect(await sh('--ulimit', 'nofile=128:256', '--user', '7:8', '--read-only', '--tmpfs', '/t', 'ulimit -n; id -u; touch /t/x && echo tmpfs; touch /x 2>/dev/null || echo read-only; echo x > /dev/null && echo null')).toBe('128\n7\ntmpfs\nread-only\nnull\n');
      expect(await sh('--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined', 'grep CapBnd /proc/self/status | tr "\\t" " "; hostname own && hostname; mount -t tmpfs none /tmp && echo mounted')).toBe('CapBnd: 00000000a82425fb\nown\nmounted\n');
      expect(await sh('--sysctl', 'net.ipv4.ip_forward=1', '--cap-add', 'NET_ADMIN', 'cat /proc/sys/net/ipv4/ip_forward; ip link set lo down && echo down; echo 1 > /proc/sys/kernel/panic')).toMatch(/^1\ndown\n.*Read-only file system/);
    });

    test('who joins another is in its user namespace, and ids of one\'s own are so with any', async () => {
      const [owner, rider] = [`owner-${runtime}`, `rider-${runtime}`];
      await docker('run', '-d', '--name', owner, '--ipc', 'shareable', 'busybox', 'sleep', '1000');
      expect(await docker('run', '-d', '--name', rider, '--runtime', runtime, '--pid', `container:${owner}`, '--ipc', `container:${owner}`, '--network', `container:${owner}`, 'busybox', 'sleep', '1000')).toMatchObject({ code: 0 });
      const pids = [await inspect(owner, '{{.State.Pid}}'), await inspect(rider, '{{.State.Pid}}')] as const;
      for (const name of ['user', 'pid', 'ipc', 'net']) expect(namespaceOf(pids[1], name), name).toBe(namespaceOf(pids[0], name));
      expect((await docker('exec', rider, 'sh', '-c', 'echo x > /dev/shm/x; pidof sleep | wc -w')).stdout).toBe('2\n');
      expect((await docker('exec', owner, 'cat', '/dev/shm/x')).stdout).toBe('x\n');
      await docker('rm', '-f', owner, rider);
      expect(await sh('--label', 'berth.userns=private', 'cat /proc/self/uid_map')).toMatch(/^\s+0\s+1400000\s+65536\n$/);
      expect(await sh('--userns', 'host', 'cat /proc/self/uid_map')).toMatch(/^\s+0\s+0\s/);
    });
  });
}
