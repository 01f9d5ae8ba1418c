import { existsSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

/** An option of `docker run` with a value, a command for the container's shell, and what that prints when the option has its effect. */
type Working = readonly [options: string, script: string, prints: string | RegExp];

const ownNamespace = (type: string): string => readlinkSync(`/proc/self/ns/${type}`);
const HOST_IPC = `${ownNamespace('ipc')}\n1\n`;
const HOST_PID = `${ownNamespace('pid')}\n`;
const HOST_UTS = `${hostname()}\n${ownNamespace('uts')}\n`;
/** Kernels with CONFIG_RT_GROUP_SCHED, on v1. */
const HAS_CPU_REALTIME = existsSync('/sys/fs/cgroup/cpu/cpu.rt_period_us');
const WORKING: readonly Working[] = [
  ['--add-host here:10.9.8.7', 'grep here /etc/hosts', '10.9.8.7\there\n'],
  ['-a stdout', 'echo out; echo err >&2', 'out\n'],
  ['--annotation a=b', 'echo x', 'x\n'],
  ['--blkio-weight 100', 'echo x', 'x\n'],
  ['--cap-add NET_ADMIN', 'ip link set lo down && echo may', 'may\n'],
  ['--cap-drop CHOWN', 'chown 1:1 /tmp 2>/dev/null || echo may not', 'may not\n'],
  ['--cgroupns private', 'grep memory /proc/self/cgroup | cut -d: -f3; echo /', /^\//],
  // Without a cgroup namespace a path is that of the host.
  ['--cgroupns host --cgroup-parent asked', 'grep -c "/asked/$(hostname)" /proc/self/cgroup', /^[1-9]/],
  ['--cgroupns host', 'grep -c "docker-t.*/$(hostname)" /proc/self/cgroup', /^[1-9]/],
  ['--cidfile CIDFILE', 'echo x', 'x\n'],
  ['--cpu-period 50000 --cpu-quota 25000', 'cat /sys/fs/cgroup/cpu/cpu.cfs_period_us /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max', /^(50000\n25000|25000 50000)\n$/],
  ...(HAS_CPU_REALTIME ? [['--cpu-rt-period 500000', 'cat /sys/fs/cgroup/cpu/cpu.rt_period_us', '500000\n'] as const] : []),
  ['-c 512', 'cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || cat /sys/fs/cgroup/cpu.weight', /^(512|20)\n$/],
  ['--cpus 0.5', 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max', '50000\n'],
  ['--cpuset-cpus 0', 'grep Cpus_allowed_list /proc/self/status', 'Cpus_allowed_list:\t0\n'],
  ['--cpuset-mems 0', 'grep Mems_allowed_list /proc/self/status', 'Mems_allowed_list:\t0\n'],
  ['--detach-keys ctrl-a', 'echo x', 'x\n'],
  ['--device /dev/loop0:/dev/sub/disk:r', 'stat -c %t:%T /dev/sub/disk; head -c 0 /dev/sub/disk && echo opened; (: 3<>/dev/sub/disk) 2>&1 | grep -o "not permitted"', '7:0\nopened\nnot permitted\n'],
  ['--device /dev/net', 'ls /dev/net', /tun/],
  ['--device /dev/null:/dev/zero', 'head -c1 /dev/zero | wc -c', '0\n'],
  ['-v /dev/urandom:/dev/random -v /dev/null:/dev/tty:ro', 'head -c3 /dev/random | wc -c; stat -c %t:%T /dev/tty', '3\n1:3\n'],
  ['--device-cgroup-rule "c 10:200 rw"', 'mknod /tmp/n c 10 200 && head -c 0 /tmp/n && echo opened', 'opened\n'],
  ['--device-read-bps /dev/loop0:1mb', 'cat /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device 2>/dev/null || cat /sys/fs/cgroup/io.max', /^7:0 (1048576|rbps=1048576 .*)\n$/],
  ['--device-read-iops /dev/loop0:7', 'cat /sys/fs/cgroup/blkio/blkio.throttle.read_iops_device 2>/dev/null || cat /sys/fs/cgroup/io.max', /^7:0 .*7/],
  ['--device-write-bps /dev/loop0:1mb', 'cat /sys/fs/cgroup/blkio/blkio.throttle.write_bps_device 2>/dev/null || cat /sys/fs/cgroup/io.max', /^7:0 .*1048576/],
  ['--device-write-iops /dev/loop0:7', 'cat /sys/fs/cgroup/blkio/blkio.throttle.write_iops_device 2>/dev/null || cat /sys/fs/cgroup/io.max', /^7:0 .*7/],
  ['--disable-content-trust', 'echo x', 'x\n'],
  ['--dns 9.9.9.9 --dns-option ndots:3 --dns-search a.test', 'grep -c -e "nameserver 9.9.9.9" -e ndots:3 -e "search a.test" /etc/resolv.conf', '3\n'],
  ['--domainname dom.test -h host', 'hostname; cat /proc/sys/kernel/domainname', 'host\ndom.test\n'],
  ['--entrypoint echo', 'unused', /unused/],
  ['-e A=1', 'echo $A', '1\n'],
  ['-e HOSTNAME', 'env | grep -c HOSTNAME; :', '0\n'],
  ['-t -e TERM', 'env | grep -c TERM; :', '0\r\n'],
  ['-e HOME= -u nobody', 'echo $HOME', '/\n'],
  ['--env-file ENVFILE', 'echo $FROM_FILE', 'yes\n'],
  ['--expose 99', 'echo x', 'x\n'],
  ['--group-add 777', 'id -G', /\b777\b/],
  ['--health-cmd true --health-interval 1s --health-retries 1 --health-start-interval 1s --health-start-period 1s --health-timeout 1s', 'echo x', 'x\n'],
  ['--init', 'cat /proc/1/comm', /^(?!sh\n)/],
  ['-i', 'echo x', 'x\n'],
  ['--ipc host', 'readlink /proc/self/ns/ipc; grep -c " /dev/shm " /proc/mounts', HOST_IPC],
  ['--ipc none', 'ls -d /dev/shm 2>/dev/null || echo none', 'none\n'],
  ['--ipc private', 'echo x', 'x\n'],
  ['--ipc shareable', 'echo x', 'x\n'],
  ['--isolation default', 'echo x', 'x\n'],
  ['-l a=b --label-file LABELFILE', 'echo x', 'x\n'],
  ['--link-local-ip 169.254.0.9 --link-local-ip 169.254.3.4', 'ip -o -4 address show eth0 | grep -o "169.254[^ ]*/16"', '169.254.0.9/16\n169.254.3.4/16\n'],
  ['--network none --link-local-ip 169.254.0.9', 'ls /sys/class/net', 'lo\n'],
  ['--log-driver json-file --log-opt max-size=1m', 'echo x', 'x\n'],
  ['-m 64m', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max', '67108864\n'],
  ['-m 64m --memory-reservation 32m', 'cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.low', '33554432\n'],
  ['-m 64m --memory-swap 96m', 'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.swap.max', /^(100663296|33554432)\n$/],
  ['--mac-address 02:42:00:00:00:09', 'cat /sys/class/net/eth0/address', '02:42:00:00:00:09\n'],
  ['--memory-swappiness -1', 'echo x', 'x\n'],
  ['--memory-swappiness 10', 'cat /sys/fs/cgroup/memory/memory.swappiness 2>/dev/null || echo 10', '10\n'],
  ['--mount type=tmpfs,target=/t,tmpfs-size=1m', 'grep -c " /t tmpfs .*size=1024k" /proc/mounts', '1\n'],
  ['--name named', 'echo x', 'x\n'],
  ['--network none', 'ls /sys/class/net', 'lo\n'],
  ['--no-healthcheck', 'echo x', 'x\n'],
  ['-m 64m --oom-kill-disable', 'grep oom_kill_disable /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || echo oom_kill_disable 1', 'oom_kill_disable 1\n'],
  ['--oom-score-adj 500', 'cat /proc/self/oom_score_adj', '500\n'],
  ['--pid host', 'readlink /proc/self/ns/pid', HOST_PID],
  ['--pids-limit 20', 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max', '20\n'],
  ['--privileged', 'grep CapEff /proc/self/status', /CapEff:\t0*1?f*[0-9a-f]*ffffff\n/],
  ['-p 127.0.0.1::80', 'echo x', 'x\n'],
  ['-P', 'echo x', 'x\n'],
  ['--pull never', 'echo x', 'x\n'],
  ['-q', 'echo x', 'x\n'],
  ['--read-only', 'touch /x 2>/dev/null || echo read only', 'read only\n'],
  ['--read-only', 'for file in hosts hostname resolv.conf; do (: >> /etc/$file) 2>/dev/null || echo read only; done', 'read only\nread only\nread only\n'],
  ['--read-only -v /dev/null:/etc/hosts', ': >> /etc/hosts && echo writable', 'writable\n'],
  ['--security-opt no-new-privileges', 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1\n'],
  ['--security-opt label=disable', 'echo x', 'x\n'],
  ['--security-opt label=type:svirt_t --security-opt label=level:s0', 'echo x', 'x\n'],
  ['--security-opt systempaths=unconfined', 'grep " /proc/" /proc/mounts | wc -l', '0\n'],
  ['--shm-size 1m', 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2', '1024\n'],
  ['--sig-proxy=false', 'echo x', 'x\n'],
  ['--stop-signal USR1 --stop-timeout 3', 'echo x', 'x\n'],
  ['--sysctl net.ipv4.ip_forward=0', 'cat /proc/sys/net/ipv4/ip_forward', '0\n'],
  ['--tmpfs /t:size=2m', 'grep -c " /t tmpfs .*size=2048k" /proc/mounts', '1\n'],
  ['--tmpfs /root --tmpfs /home:mode=711 --tmpfs /came --mount type=tmpfs,target=/usr', 'stat -c %a /root /home /came /usr', '700\n711\n1777\n755\n'],
  ['-t', 'tty', '/dev/pts/0\r\n'],
  ['--ulimit nofile=64:128', 'ulimit -n; ulimit -Hn', '64\n128\n'],
  ['--ulimit core=9223372036854775807', 'ulimit -c', '18014398509481982\n'],
  ['-u 5:6', 'id -u; id -g', '5\n6\n'],
  ['--userns host', 'echo x', 'x\n'],
  ['-v /tmp:/outside:ro', 'touch /outside/x 2>/dev/null || echo read only', 'read only\n'],
  ['--uts host', 'hostname; readlink /proc/self/ns/uts', HOST_UTS],
  ['-v named-volume:/data --volume-driver local', 'echo kept > /data/x; cat /data/x', 'kept\n'],
  ['-w /etc', 'pwd', '/etc\n'],
];

/** What Berth lacks says so, by the API's name of the option, or in the words of the CLI. */
const REFUSED: readonly (readonly [options: string, says: RegExp])[] = [
  ['--blkio-weight-device /dev/null:5', /invalid weight for device/],
  ['--cpu-count 1', /only supported on a Docker daemon running on windows/],
  ['--cpu-percent 1', /only supported on a Docker daemon running on windows/],
  // A cgroup can have no more of it than the one above, which has none.
  ['--cpu-rt-runtime 1000', HAS_CPU_REALTIME ? /write_file path=".*cpu\.rt_runtime_us".*EINVAL/ : /kernel does not support CPU real-time scheduler/],
  ['--cpu-rt-period 1000 --cpu-rt-runtime 2000', /cpu real-time runtime cannot be higher than cpu real-time period/],
  ['--gpus all', /could not select device driver "" with capabilities: \[\[gpu\]\]/],
  ['--mount type=bind,src=/tmp,dst=/x,bind-propagation=foo', /invalid mount config for type "bind": invalid propagation mode: foo/],
  ['--network container:x', /No such container: x/],
  ['--security-opt no-new-privileges=foo', /invalid --security-opt 2: "no-new-privileges=foo"/],
  ['--tmpfs /x:foo', /invalid tmpfs option "foo"/],
  ['--health-interval 1us --health-cmd true', /Interval in Healthcheck cannot be less than 1ms/],
  ['--io-maxbandwidth 1m', /only supported on a Docker daemon running on windows/],
  ['--io-maxiops 1', /only supported on a Docker daemon running on windows/],
  ['--ip6 2001:db8::1', /user specified IP address is supported on user defined networks only/],
  ['--ipc container:x', /No such container: x/],
  ['--pid container:x', /No such container: x/],
  ['--ip 172.17.0.99', /user specified IP address is supported on user defined networks only/],
  ['--mac-address no-mac', /not a valid mac address/],
  ['--network-alias a', /network-scoped aliases are only supported for user-defined networks/],
  ['--link x', /Links|x/],
  ['--link-local-ip 10.0.0.1', /invalid link local IP address: 10\.0\.0\.1/],
  ['--network no-such-network', /failed to set up container networking: network no-such-network not found/],
  ['--pull never --platform linux/riscv64', /does not match the specified platform/],
  ['--group-add nobodys', /unable to find group nobodys: no matching entries in group file/],
  ['--device /dev/no-such', /error gathering device information while adding custom device "\/dev\/no-such": no such file or directory/],
  ['--cpu-shares 1', /the minimum allowed cpu-shares is 2/],
  ['--storage-opt size=1g', /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/],
  ['--pull never --volume-driver nosuch -v named-by-it:/data', /error looking up volume plugin nosuch: plugin "nosuch" not found/],
  ['-u 2147483648', /uids and gids must be in range 0-2147483647/],
  ['--gpus 0', /could not select device driver "" with capabilities: \[\[gpu\]\]/],
  ['-u 4294967296', /uids and gids must be in range 0-2147483647/],
  ['--volumes-from x', /No such container: x/],
  ['--log-driver gelf', /error looking up logging plugin gelf: plugin "gelf" not found/],
];

/** Covered elsewhere, or the CLI's own affair: it sends no --kernel-memory any more, and makes a bind mount of --use-api-socket. */
const ELSEWHERE = new Set(['--runtime', '--kernel-memory', '--use-api-socket', '--detach', '--restart', '--rm', '--ip', '--mac-address', '--network-alias', '--help']);

let engine: TestEngine;
let files: Readonly<Record<string, string>>;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  const root = engine.settings.dataRoot;
  files = { CIDFILE: `${root}/cid`, ENVFILE: `${root}/env`, LABELFILE: `${root}/labels` };
  writeFileSync(`${root}/env`, 'FROM_FILE=yes\n');
  writeFileSync(`${root}/labels`, 'l=1\n');
}, patience(120_000));

afterAll(() => engine?.stop(), patience(60_000));

const words = (options: string): string[] => (options.match(/"[^"]*"|\S+/g) ?? []).map((word) => files[word] ?? word.replaceAll('"', ''));

describe('an option of docker run has its effect', () => {
  test.each(WORKING)('%s', async (options, script, prints) => {
    const { stdout, stderr, code } = await engine.docker(['run', '--rm', ...words(options), 'busybox', 'sh', '-c', script]);
    expect({ stderr: stderr.replace(/^WARNING.*\n|^err\n/gm, ''), code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toMatch(prints);
  });
});

describe('an option that is not there is refused by its name', () => {
  test.each(REFUSED)('%s', async (options, says) => {
    const { stderr, code } = await engine.docker(['run', '--rm', ...words(options), 'busybox', 'true']);
    expect(stderr).toMatch(says);
    expect(code).toBeGreaterThan(0);
  });
});

test('--volumes-from: volumes and binds of another container, read-only where asked, and its own mounts come first', async () => {
  const docker = (...args: string[]) => engine.docker(args);
  await docker('create', '--name', 'owner', '-v', '/anonymous', '-v', 'shared-volume:/shared', '--tmpfs', '/fleeting', '-v', `${engine.settings.dataRoot}:/bound:ro`, 'busybox');
  await docker('run', '--rm', '--volumes-from', 'owner', 'busybox', 'sh', '-c', 'echo one > /anonymous/x; echo two > /shared/x');
  const seen = await docker('run', '--rm', '--volumes-from', 'owner:ro', '-v', 'other-volume:/shared', 'busybox', 'sh', '-c', 'cat /anonymous/x; ls /shared; touch /anonymous/y 2>&1; ls -d /fleeting 2>/dev/null; touch /bound/y 2>&1');
  expect(seen.stdout).toBe('one\ntouch: /anonymous/y: Read-only file system\ntouch: /bound/y: Read-only file system\n');
  await docker('rm', '-v', 'owner');
  expect((await docker('volume', 'ls', '-q')).stdout).toContain('shared-volume');
});

test('docker logs --details shows the labels and variables that the log was told to carry', async () => {
  const docker = (...args: string[]) => engine.docker(args);
  await docker('run', '--name', 'detailed', '--log-opt', 'labels=tier', '--log-opt', 'env=KEY', '--label', 'tier=a b', '-e', 'KEY=v', 'busybox', 'echo', 'said');
  expect((await docker('logs', '--details', 'detailed')).stdout).toBe('KEY=v,tier=a+b said\n');
  expect((await docker('logs', 'detailed')).stdout).toBe('said\n');
  await docker('rm', 'detailed');
});

test('a start that fails is told once, and by nobody who waits', async () => {
  expect(await engine.docker(['run', 'busybox', 'no-such-command'])).toMatchObject({ code: 127, stderr: expect.stringMatching(/^docker: Error response from daemon: failed to create task .*no-such-command.*\n\nRun 'docker run --help' for more information\n$/) as string });
  expect((await engine.docker(['run', '--rm', 'busybox', 'no-such-command'])).code).toBe(127);
});

test.each([
  ['no-format', 'echo x\n', 'exec format error'], ['empty', '', 'exec format error'], ['no-interpreter', '#!/no/such\n', 'no such file or directory'], ['closed-interpreter', '#!/etc/passwd\n', 'permission denied'],
])('a file that may be executed and cannot be has started, and tells why: %s', async (name, text, why) => {
  const file = `${engine.settings.dataRoot}/${name}`;
  writeFileSync(file, text, { mode: 0o755 });
  if (name === 'no-format') expect(await engine.docker(['run', '--rm', '--init', '--network', 'none', '-v', `${file}:/${name}`, 'busybox', `/${name}`])).toMatchObject({ stdout: 'x\n', code: 0 });
  const told = { stdout: '', stderr: `exec /${name}: ${why}\n`, code: 255 };
  expect(await engine.docker(['run', '-d', '--name', name, '--network', 'none', '-v', `${file}:/${name}`, 'busybox', `/${name}`])).toMatchObject({ stderr: '', code: 0 });
  expect((await engine.docker(['wait', name])).stdout).toBe('255\n');
  expect((await engine.docker(['logs', name])).stderr).toBe(told.stderr);
  expect(await engine.docker(['start', '-a', name])).toEqual(told);
  expect((await engine.docker(['inspect', '--format', '{{.State.Status}} {{.State.Error}}', name])).stdout).toBe('exited \n');
  await engine.docker(['rm', name]);
  await engine.docker(['run', '-d', '--name', 'executes', '--network', 'none', '-v', `${file}:/${name}`, 'busybox', 'sleep', '1000']);
  expect(await engine.docker(['exec', 'executes', `/${name}`])).toEqual(told);
  await engine.docker(['rm', '-f', 'executes']);
});

test.each([['no-such-command', 127, 'No such file or directory'], ['/etc', 126, 'Permission denied']])('--init tells of a command that it cannot execute: %s', async (command, code, why) => {
  const { stderr, ...ended } = await engine.docker(['run', '--rm', '--init', 'busybox', command]);
  expect(ended).toMatchObject({ stdout: '', code });
  expect(stderr).toMatch(new RegExp(`^\\[FATAL berth-init \\(\\d+\\)\\] exec ${command} failed: ${why}\n$`));
});

test('an exec goes without a variable that is named without a value, also one that all have', async () => {
  await engine.docker(['run', '-d', '--name', 'bare', '-e', 'A=1', '-e', 'HOME=', 'busybox', 'sleep', '1000']);
  const { stdout } = await engine.docker(['exec', '-t', '-e', 'TERM', '-e', 'HOSTNAME', '-e', 'A', 'bare', 'env']);
  expect(stdout.trim().split('\r\n')).toEqual([expect.stringMatching(/^PATH=/), 'HOME=/root']);
  await engine.docker(['rm', '-f', 'bare']);
});

test('--mount of a path that is not there is refused before there is a container, also when it is only tried', async () => {
  const missing = ['create', '--name', 'bound', '--mount', 'type=bind,src=/no/such/path,dst=/x', 'busybox'];
  const says = 'invalid mount config for type "bind": bind source path does not exist: /no/such/path';
  expect(await engine.docker(missing)).toMatchObject({ code: 1, stderr: `Error response from daemon: ${says}\n` });
  const asked = { Image: 'busybox', HostConfig: { Mounts: [{ Type: 'bind', Source: '/no/such/path', Target: '/x' }] } };
  expect(await http(engine.socket, 'POST', '/containers/create?dryRun=1', asked)).toMatchObject({ status: 400, text: `${JSON.stringify({ message: says })}\n` });
  expect((await http(engine.socket, 'POST', '/containers/create?dryRun=1', { ...asked, HostConfig: { Mounts: [{ ...asked.HostConfig.Mounts[0], Source: '/tmp' }] } })).status).toBe(200);
  expect((await engine.docker(['ps', '-aq', '--filter', 'name=bound'])).stdout).toBe('');
});

test('what was left open is shown as it is', async () => {
  await engine.docker(['create', '--name', 'open', 'busybox']);
  const { stdout } = await engine.docker(['inspect', '--format', '{{.HostConfig.ShmSize}} {{.HostConfig.PidsLimit}} {{.HostConfig.MemorySwappiness}}', 'open']);
  expect(stdout).toBe('67108864 <nil> <nil>\n');
  await engine.docker(['rm', 'open']);
});

test('a container that is made of another\'s inspected configuration sees as little as it', async () => {
  const script = 'cut -d" " -f5 /proc/self/mountinfo | grep "^/proc/\\|^/sys/[fd]"';
  const first = await engine.docker(['run', '--name', 'first', 'busybox', 'sh', '-c', script]);
  expect(first.stdout).toContain('/proc/interrupts\n');
  const { HostConfig } = JSON.parse((await http(engine.socket, 'GET', '/containers/first/json')).text) as { HostConfig: object };
  await http(engine.socket, 'POST', '/containers/create?name=second', { Image: 'busybox', Cmd: ['sh', '-c', script], HostConfig });
  expect((await engine.docker(['start', '-a', 'second'])).stdout).toBe(first.stdout);
  await engine.docker(['rm', 'first', 'second']);
});

test('the case of a field\'s name means nothing in a body', async () => {
  const made = await http(engine.socket, 'POST', '/containers/create?name=lower', { image: 'busybox', CMD: ['sh', '-c', 'hostname; exec sleep 1000'], hostname: 'small', hostconfig: { networkmode: 'none', tmpfs: { '/IMAGE': '' } } });
  expect(made).toMatchObject({ status: 201 });
  await engine.docker(['start', 'lower']);
  const exec = JSON.parse((await http(engine.socket, 'POST', '/containers/lower/exec', { cmd: ['ls', '-d', '/IMAGE'], attachStdout: true, tty: true })).text) as { Id: string };
  expect((await http(engine.socket, 'POST', `/exec/${exec.Id}/start`, { detach: false, tty: true })).text).toBe('/IMAGE\r\n');
  expect((await engine.docker(['logs', 'lower'])).stdout).toBe('small\n');
  await engine.docker(['rm', '-f', 'lower']);
});

test('docker info tells who the engine is, and what its storage stands on', async () => {
  const info = async (): Promise<string> => (await engine.docker(['info', '--format', '{{.ID}} {{.InitBinary}} {{json .DriverStatus}}'])).stdout;
  const first = await info();
  expect(first).toMatch(/^[0-9a-f-]{36} berth-init \[.*\]\n$/);
  expect(await info()).toBe(first);
});

test('--pid host: what a container started is ended with it all the same, and an exec gets in', async () => {
  const docker = (...args: string[]) => engine.docker(args);
  await docker('run', '-d', '--name', 'wide', '--pid', 'host', '--network', 'none', 'busybox', 'sh', '-c', 'sleep 98765 & exec sleep 1000');
  expect(await docker('exec', 'wide', 'sh', '-c', 'readlink /proc/self/ns/pid; ps | grep -c "[s]leep 98765"')).toMatchObject({ stdout: `${HOST_PID}1\n`, code: 0 });
  await docker('rm', '-f', 'wide');
  expect((await docker('run', '--rm', '--pid', 'host', 'busybox', 'sh', '-c', 'ps | grep -c "[s]leep 98765"')).stdout).toBe('0\n');
});

test('no option of docker run is forgotten here', async () => {
  const { stdout } = await engine.docker(['run', '--help']);
  const all = [...stdout.matchAll(/^ +(?:(-\w), )?(--[\w-]+)/gm)];
  const asked = new Set([...WORKING.map(([options]) => options), ...REFUSED.map(([options]) => options)].flatMap((options) => options.split(' ')).map((word) => word.split('=')[0] ?? ''));
  const forgotten = all.filter(([, short = '', long = '']) => !asked.has(short) && !asked.has(long) && !ELSEWHERE.has(long)).map(([, , long]) => long);
  expect(all.length).toBeGreaterThan(80);
  expect(forgotten).toEqual([]);
});
