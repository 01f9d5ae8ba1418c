import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CliResult, TestEngine } from '../engine/engine.js';
import { parentCgroups } from '../engine/leaks.js';
import { isInstalled } from './runtimes-engine.js';

/** What every back end of the executor has to do, driven by the real docker CLI. Runtimes differ in how, never in what a user sees. `plain`: what nobody can do without. */
export function describeRuntime(runtime: string, engineOf: () => TestEngine, depth: 'plain' | 'whole'): void {
  const docker = (...args: string[]): Promise<CliResult> => engineOf().docker(args);
  const run = (...args: string[]): Promise<CliResult> => docker('run', '--rm', '--runtime', runtime, ...args);
  const runInput = (input: string, ...args: string[]): Promise<CliResult> => engineOf().docker(['run', '--rm', '--runtime', runtime, ...args], input);
  const sh = (...args: string[]): Promise<CliResult> => run(...args.slice(0, -1), 'busybox', 'sh', '-c', args.at(-1) ?? '');
  const detached = (name: string, ...args: string[]): Promise<CliResult> => docker('run', '-d', '--name', `${name}-${runtime}`, '--runtime', runtime, ...args);
  const state = async (name: string, format: string): Promise<string> => (await docker('inspect', '--format', format, `${name}-${runtime}`)).stdout.trim();

  describe.skipIf(!isInstalled(runtime))(`--runtime ${runtime}`, () => {
    afterAll(() => {
      const directory = join(engineOf().settings.runRoot, 'runtimes', runtime);
      expect(existsSync(directory) ? readdirSync(directory) : [], 'state that the runtime was left with').toEqual([]);
    });

    test('streams and the exit code are the command\'s', async () => {
      expect(await runInput('from outside\n', '-i', 'busybox', 'sh', '-c', 'cat; echo err >&2; exit 7')).toMatchObject({ stdout: 'from outside\n', stderr: 'err\n', code: 7 });
    });

    test('a command that is not there is 127, one that may not run 126', async () => {
      const missing = await run('busybox', 'no-such-command');
      expect(missing).toMatchObject({ code: 127 });
      expect(missing.stderr).toContain('no-such-command');
      const forbidden = await run('busybox', '/etc/passwd');
      expect(forbidden.stderr).toMatch(/permission denied/i);
      expect(forbidden.code).toBe(126);
    });

    test('exec: streams, exit code, user, directory, terminal', async () => {
      await detached('exec', '-e', 'KEPT=yes', '--ulimit', 'nofile=99:100', '--oom-score-adj', '500', 'busybox', 'sleep', '1000');
      const name = `exec-${runtime}`;
      expect(await engineOf().docker(['exec', '-i', '-u', 'daemon', '-w', '/tmp', '-e', 'MORE=too', name, 'sh', '-c', 'cat; id -un; pwd; echo $KEPT $MORE; echo err >&2; exit 3'], 'in\n')).toMatchObject({
        stdout: 'in\ndaemon\n/tmp\nyes too\n',
        stderr: 'err\n',
        code: 3,
      });
      // Debian 12's runc lets the Go runtime of its own child raise that now and then (opencontainers/runc#4195).
      const softLimit = runtime === 'runc' ? '(99|100)' : '99';
      expect((await docker('exec', '-t', name, 'sh', '-c', 'tty; ulimit -n; grep CapBnd /proc/self/status | tr "\\t" " "')).stdout).toMatch(new RegExp(`^/dev/pts/0\r\n${softLimit}\r\nCapBnd: 00000000a80425fb\r\n$`));
      expect(await docker('exec', '--privileged', name, 'grep', '-cE', 'CapBnd:.*1fffeffffff|CapBnd:.*1ffffffffff|Seccomp:.*2', '/proc/self/status')).toMatchObject({ stdout: '2\n' });
      expect((await docker('exec', name, 'cat', '/proc/1/oom_score_adj', '/proc/self/oom_score_adj')).stdout).toBe('500\n500\n');
      expect((await docker('exec', name, 'no-such-command')).code).not.toBe(0);
      expect(await docker('exec', '-u', 'nemo', name, 'true')).toMatchObject({ code: 1, stderr: expect.stringContaining('unable to find user nemo: no matching entries in passwd file') as string });
      expect(await state('exec', '{{.State.Running}}')).toBe('true');
      await docker('rm', '-f', name);
    });

    test('kill and stop end it with the code of their signal', async () => {
      await detached('kill', 'busybox', 'sh', '-c', 'trap "exit 9" USR1; while :; do sleep 0.05; done');
      await docker('kill', '--signal', 'USR1', `kill-${runtime}`);
      expect((await docker('wait', `kill-${runtime}`)).stdout).toBe('9\n');
      await docker('start', `kill-${runtime}`);
      await docker('stop', '--time', '0', `kill-${runtime}`);
      expect(await state('kill', '{{.State.ExitCode}} {{.State.Status}}')).toBe('137 exited');
      await docker('rm', `kill-${runtime}`);
    });

    test('a restart of the executor is not noticed', async () => {
      await detached('kept', '-i', 'busybox', 'sh', '-c', 'echo begun; read line; echo done; exit 9');
      const killed = engineOf().pid('executor') ?? 0;
      process.kill(killed, 'SIGKILL');
      await until(async () => (await docker('exec', `kept-${runtime}`, 'echo', 'again')).stdout === 'again\n');
      expect(engineOf().pid('executor')).not.toBe(killed);
      await engineOf().docker(['attach', '--sig-proxy=false', `kept-${runtime}`], 'go on\n');
      await until(async () => (await state('kept', '{{.State.Status}} {{.State.ExitCode}}')) === 'exited 9');
      expect((await docker('logs', `kept-${runtime}`)).stdout).toBe('begun\ndone\n');
      await docker('rm', `kept-${runtime}`);
    });

    if (depth === 'plain') return;

    test('a terminal is the controlling one', async () => {
      const { stdout, code } = await sh('-t', 'tty; test -c /dev/console && echo console; echo err >&2; exit 4');
      expect(stdout).toBe('/dev/pts/0\r\nconsole\r\nerr\r\n');
      expect(code).toBe(4);
    });

    test('users and groups, by name and by number', async () => {
      expect((await sh('--user', 'nobody', '--group-add', 'users', '--group-add', '77', 'id; echo $HOME')).stdout).toBe('uid=65534(nobody) gid=65534(nogroup) groups=77,100(users),65534(nogroup)\n/\n');
      expect((await sh('--user', '1234:daemon', 'id -u; id -g')).stdout).toBe('1234\n1\n');
      const unknown = await run('--user', 'nemo', 'busybox', 'true');
      expect(unknown.stderr).toContain('unable to find user nemo: no matching entries in passwd file');
      expect(unknown.code).toBe(125);
    });

    test('rights are Docker\'s: capabilities, the filter, no new privileges, masks', async () => {
      const rights = 'grep -E "^(CapBnd|CapInh|NoNewPrivs|Seccomp:)" /proc/self/status | tr "\\t" " "';
      expect((await sh(rights)).stdout).toBe('CapInh: 0000000000000000\nCapBnd: 00000000a80425fb\nNoNewPrivs: 0\nSeccomp: 2\n');
      expect((await sh('--cap-drop', 'all', '--cap-add', 'net_admin', '--security-opt', 'no-new-privileges', '--security-opt', 'seccomp=unconfined', rights)).stdout).toBe(
        'CapInh: 0000000000000000\nCapBnd: 0000000000001000\nNoNewPrivs: 1\nSeccomp: 0\n',
      );
      const masked = await sh('head -c1 /proc/kcore | wc -c; ls /sys/firmware; echo x > /proc/sys/kernel/domainname');
      expect(masked.stdout).toBe('0\n');
      expect(masked.stderr).toContain('Read-only file system');
    });

    test('a privileged container has all that there is', async () => {
      const fuse = execFileSync('stat', ['-c', '%t:%T', '/dev/fuse']).toString().trim();
      const held = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      expect((await sh('--privileged', 'grep -E "^(CapBnd|Seccomp:)" /proc/self/status | tr "\\t" " "; mkdir /m; mount -t tmpfs none /m && echo mounted; stat -c %t:%T /dev/fuse')).stdout).toBe(`CapBnd: ${held}\nSeccomp: 0\nmounted\n${fuse}\n`);
    });

    test('limits hold', async () => {
      const files = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null; ulimit -n';
      const { stdout } = await sh('--memory', '64m', '--pids-limit', '50', '--cpus', '0.5', '--ulimit', 'nofile=128:256', files);
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(['67108864', '50', '128']));
    });

    test('a limit that the engine may not give is refused', async () => {
      const refused = await run('--ulimit', 'nofile=99999999:99999999', 'busybox', 'true');
      expect(refused.stderr).toMatch(/error setting rlimit.*operation not permitted|setrlimit.*Operation not permitted/i);
      expect(refused.code).not.toBe(0);
    });

    test('a container that takes too much memory is killed, and said to be', async () => {
      await detached('oom', '--memory', '16m', '--memory-swap', '16m', 'busybox', 'sh', '-c', 'tail /dev/zero; exit 137');
      expect((await docker('wait', `oom-${runtime}`)).stdout).toBe('137\n');
      expect(await state('oom', '{{.State.OOMKilled}}')).toBe('true');
      await docker('rm', `oom-${runtime}`);
    });

    test('mounts: of the host, volumes, tmpfs, and a read-only root', async () => {
      const source = join(engineOf().settings.dataRoot, `shared-${runtime}`);
      mkdirSync(source);
      writeFileSync(join(source, 'file'), 'of the host');
      const script = 'cat /shared/file; touch /shared/x 2>/dev/null || echo ro; echo kept > /data/f; cat /data/f; touch /t/x && echo tmpfs; touch /x 2>/dev/null || echo read-only; pwd';
      const { stdout } = await sh('--read-only', '-v', `${source}:/shared:ro`, '-v', `store-${runtime}:/data`, '--tmpfs', '/t', '-w', '/made/here', script);
      expect(stdout).toBe('of the hostro\nkept\ntmpfs\nread-only\n/made/here\n');
      await docker('volume', 'rm', `store-${runtime}`);
      rmSync(source, { recursive: true });
    });

    test('a file comes over no directory, and a directory over no file', async () => {
      for (const option of ['-v=/etc/hostname:/etc', '-v=/etc:/etc/passwd', '--tmpfs=/etc/passwd']) {
        expect(await run(option, 'busybox', 'true'), option).toMatchObject({ code: 125, stderr: expect.stringContaining('not a directory: Are you trying to mount a directory onto a file (or vice-versa)?') as string });
      }
    });

    test('a part of a volume is mounted, and a symlink in it leads nowhere else', async () => {
      const volume = `parts-${runtime}`;
      const part = (path: string, more = ''): string => `type=volume,src=${volume},dst=/part,volume-subpath=${path}${more}`;
      await sh('-v', `${volume}:/all`, 'mkdir -p /all/a/b; echo kept > /all/a/b/file; ln -s a/b /all/inner; ln -s /etc /all/out; ln -s ../.. /all/a/up');
      expect((await sh('--mount', part('a/b'), 'cat /part/file; echo more > /part/more; ls /part')).stdout).toBe('kept\nfile\nmore\n');
      expect((await sh('--mount', part('inner', ',readonly'), 'cat /part/more; touch /part/x 2>/dev/null || echo ro')).stdout).toBe('more\nro\n');
      expect((await sh('--mount', part('a/b/file'), 'cat /part')).stdout).toBe('kept\n');
      for (const path of ['out', 'a/up']) expect(await sh('--mount', part(path), 'ls /part')).toMatchObject({ code: 125, stderr: expect.stringMatching(`path concatenation escapes the base directory, base: .*/${volume}/_data, subpath: ${path}\n`) as string });
      expect(await sh('--mount', part('missing'), 'true')).toMatchObject({ code: 127, stderr: expect.stringMatching(/cannot access path .*\/_data\/missing: lstat .*\/missing: no such file or directory\n/) as string });
      await docker('volume', 'rm', volume);
    });

    test('a read-only bind is so for what is mounted below it, not, or without it, as asked', async () => {
      const shown = 'grep -E " /d(/shm)? " /proc/self/mountinfo | cut -d" " -f5,6 | sed "s/,.*//" | sort -u';
      const bound = async (more: string): Promise<CliResult> => sh('--mount', `type=bind,src=/dev,dst=/d${more}`, shown);
      expect(await bound(',readonly,bind-recursive=writable')).toMatchObject({ stdout: '/d ro\n/d/shm rw\n', stderr: '' });
      expect(await bound(',readonly,bind-recursive=readonly,bind-propagation=rprivate')).toMatchObject({ stdout: '/d ro\n/d/shm ro\n', stderr: '' });
      // crun 1.8 binds all there is, whatever it is told.
      if (runtime !== 'crun') expect(await bound(',bind-recursive=disabled')).toMatchObject({ stdout: '/d rw\n', stderr: '' });
      expect(await bound(',bind-recursive=enabled')).toMatchObject({ stdout: '/d rw\n/d/shm rw\n', stderr: '' });
    });

    test('what the host mounts later is seen through a slave, and not without', async () => {
      await detached('slave', '-v', '/mnt:/slave:rslave', '-v', '/mnt:/private', 'busybox', 'sleep', '1000');
      const place = `/mnt/${runtime}`;
      execFileSync('nsenter', ['--mount', '--target', String(engineOf().pid('executor')), 'sh', '-c', `mkdir ${place} && mount -t tmpfs later ${place} && touch ${place}/seen`]);
      expect((await docker('exec', `slave-${runtime}`, 'ls', `/slave/${runtime}`, `/private/${runtime}`)).stdout).toBe(`/private/${runtime}:\n\n/slave/${runtime}:\nseen\n`);
      execFileSync('nsenter', ['--mount', '--target', String(engineOf().pid('executor')), 'umount', place]);
      await docker('rm', '-f', `slave-${runtime}`);
      const refused = await run('-v', '/tmp:/t:rslave', 'busybox', 'true');
      expect(refused.stderr).toMatch(/path \/tmp is mounted on \S+ but it is not a shared or slave mount/);
    });

    test('networks: an address of the bridge, none, the host\'s', async () => {
      expect((await sh('--hostname', 'harbour', '--domainname', 'example.org', '--sysctl', 'net.ipv4.ip_forward=0', 'ip -o -4 addr show eth0 | wc -l; hostname; cat /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward')).stdout).toBe(
        '1\nharbour\nexample.org\n0\n',
      );
      expect((await sh('--network', 'none', 'ls /sys/class/net')).stdout).toBe('lo\n');
      const host = await sh('--network', 'host', 'hostname; ls /sys/class/net');
      expect(host.stdout).toContain(engineOf().settings.bridge);
      expect(host.stdout.split('\n')[0]).toBe(hostname());
    });

    test('--init reaps and passes signals on', async () => {
      await detached('init', '--init', 'busybox', 'sh', '-c', 'trap "echo told; exit 5" TERM; (sleep 0.05 &); while :; do sleep 0.05; done');
      expect((await docker('exec', `init-${runtime}`, 'cat', '/proc/1/comm')).stdout).toBe('docker-init\n');
      await docker('stop', `init-${runtime}`);
      expect(await state('init', '{{.State.ExitCode}}')).toBe('5');
      await docker('rm', `init-${runtime}`);
    });

    test('a container comes among the processes of another, in the cgroup that it asked for, and leaves nothing there', async () => {
      await detached('owner', 'busybox', 'sleep', '1000');
      const parent = `asked-${engineOf().settings.bridge}`;
      await detached('rider', '--pid', `container:owner-${runtime}`, '--cgroup-parent', parent, 'busybox', 'sleep', '1000');
      expect((await docker('exec', `rider-${runtime}`, 'ps', '-o', 'args')).stdout.match(/^sleep 1000$/gm)).toHaveLength(2);
      expect(readFileSync(`/proc/${await state('rider', '{{.State.Pid}}')}/cgroup`, 'utf8')).toContain(`/${parent}/${await state('rider', '{{.Id}}')}\n`);
      await docker('rm', '-f', `owner-${runtime}`);
      expect((await docker('wait', `rider-${runtime}`)).stdout).toBe('137\n');
      await docker('rm', `rider-${runtime}`);
      expect(parentCgroups(`/${parent}`, engineOf().settings.cgroupParent)).toEqual([]);
    });

    test('a container with the IPC of another shares its memory by either interface, whatever runtime the other has', async () => {
      await docker('run', '-d', '--name', `memory-${runtime}`, '--network', 'none', '--ipc', 'shareable', '--shm-size', '3m', 'busybox', 'sh', '-c', 'echo from the owner > /dev/shm/a; exec sleep 1000');
      await detached('sharer', '--ipc', `container:memory-${runtime}`, 'busybox', 'sleep', '1000');
      expect((await docker('exec', `sharer-${runtime}`, 'sh', '-c', 'cat /dev/shm/a; echo from the other > /dev/shm/b; df -k /dev/shm | grep -c " 3072 "; grep " /dev/shm " /proc/mounts | cut -d, -f1-4')).stdout).toBe('from the owner\n1\nshm /dev/shm tmpfs rw,nosuid,nodev,noexec\n');
      expect((await docker('exec', `memory-${runtime}`, 'cat', '/dev/shm/b')).stdout).toBe('from the other\n');
      const ipcOf = async (name: string): Promise<string> => readlinkSync(`/proc/${await state(name, '{{.State.Pid}}')}/ns/ipc`);
      expect(await ipcOf('sharer')).toBe(await ipcOf('memory'));
      await docker('rm', '-f', `sharer-${runtime}`, `memory-${runtime}`);
      expect((await sh('echo private > /dev/shm/a; ls /dev/shm')).stdout).toBe('a\n');
    });

    test('a container whose keeper is killed ends with it, and its code is not known', async () => {
      await detached('lost', 'busybox', 'sleep', '1000');
      const pid = await state('lost', '{{.State.Pid}}');
      const keeper = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
      expect(readFileSync(`/proc/${keeper}/comm`, 'utf8')).toBe('berth-shim\n');
      process.kill(keeper, 'SIGKILL');
      expect((await docker('wait', `lost-${runtime}`)).stdout).toBe('255\n');
      await until(() => Promise.resolve(!existsSync(`/proc/${pid}`)));
      await docker('rm', `lost-${runtime}`);
    });
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('what was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
