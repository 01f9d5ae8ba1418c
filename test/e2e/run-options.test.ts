import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from './engine.js';

/** An option of `docker run` with a value, a command for the container's shell, and what that prints when the option has its effect. */
type Working = readonly [options: string, script: string, prints: string | RegExp];

const WORKING: readonly Working[] = [
  ['--add-host here:10.9.8.7', 'grep here /etc/hosts', '10.9.8.7\there\n'],
  ['-a stdout', 'echo out; echo err >&2', 'out\n'],
  ['--cap-add NET_ADMIN', 'ip link set lo down && echo may', 'may\n'],
  ['--cap-drop CHOWN', 'chown 1:1 /tmp 2>/dev/null || echo may not', 'may not\n'],
  ['--cgroupns private', 'grep memory /proc/self/cgroup | cut -d: -f3; echo /', /^\//],
  ['--cidfile CIDFILE', 'echo x', 'x\n'],
  ['--cpu-period 50000 --cpu-quota 25000', 'cat /sys/fs/cgroup/cpu/cpu.cfs_period_us /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max', /^(50000\n25000|25000 50000)\n$/],
  ['-c 512', 'cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null || cat /sys/fs/cgroup/cpu.weight', /^(512|20)\n$/],
  ['--cpus 0.5', 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max', '50000\n'],
  ['--cpuset-cpus 0', 'grep Cpus_allowed_list /proc/self/status', 'Cpus_allowed_list:\t0\n'],
  ['--cpuset-mems 0', 'grep Mems_allowed_list /proc/self/status', 'Mems_allowed_list:\t0\n'],
  ['--detach-keys ctrl-a', 'echo x', 'x\n'],
  ['--disable-content-trust', 'echo x', 'x\n'],
  ['--dns 9.9.9.9 --dns-option ndots:3 --dns-search a.test', 'grep -c -e "nameserver 9.9.9.9" -e ndots:3 -e "search a.test" /etc/resolv.conf', '3\n'],
  ['--domainname dom.test -h host', 'hostname; cat /proc/sys/kernel/domainname', 'host\ndom.test\n'],
  ['--entrypoint echo', 'unused', /unused/],
  ['-e A=1', 'echo $A', '1\n'],
  ['--env-file ENVFILE', 'echo $FROM_FILE', 'yes\n'],
  ['--expose 99', 'echo x', 'x\n'],
  ['--group-add 777', 'id -G', /\b777\b/],
  ['--init', 'cat /proc/1/comm', /^(?!sh\n)/],
  ['-i', 'echo x', 'x\n'],
  ['--ipc private', 'echo x', 'x\n'],
  ['--isolation default', 'echo x', 'x\n'],
  ['-l a=b --label-file LABELFILE', 'echo x', 'x\n'],
  ['--log-driver json-file --log-opt max-size=1m', 'echo x', 'x\n'],
  ['-m 64m', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max', '67108864\n'],
  ['-m 64m --memory-reservation 32m', 'cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.low', '33554432\n'],
  ['-m 64m --memory-swap 96m', 'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.swap.max', /^(100663296|33554432)\n$/],
  ['--memory-swappiness -1', 'echo x', 'x\n'],
  ['--mount type=tmpfs,target=/t,tmpfs-size=1m', 'grep -c " /t tmpfs .*size=1024k" /proc/mounts', '1\n'],
  ['--name named', 'echo x', 'x\n'],
  ['--network none', 'ls /sys/class/net', 'lo\n'],
  ['--no-healthcheck', 'echo x', 'x\n'],
  ['--oom-score-adj 500', 'cat /proc/self/oom_score_adj', '500\n'],
  ['--pids-limit 20', 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max', '20\n'],
  ['--privileged', 'grep CapEff /proc/self/status', /CapEff:\t0*1?f*[0-9a-f]*ffffff\n/],
  ['-p 127.0.0.1::80', 'echo x', 'x\n'],
  ['-P', 'echo x', 'x\n'],
  ['--pull never', 'echo x', 'x\n'],
  ['-q', 'echo x', 'x\n'],
  ['--read-only', 'touch /x 2>/dev/null || echo read only', 'read only\n'],
  ['--security-opt no-new-privileges', 'grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1\n'],
  ['--shm-size 1m', 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2', '1024\n'],
  ['--sig-proxy=false', 'echo x', 'x\n'],
  ['--stop-signal USR1 --stop-timeout 3', 'echo x', 'x\n'],
  ['--sysctl net.ipv4.ip_forward=0', 'cat /proc/sys/net/ipv4/ip_forward', '0\n'],
  ['--tmpfs /t:size=2m', 'grep -c " /t tmpfs .*size=2048k" /proc/mounts', '1\n'],
  ['-t', 'tty', '/dev/pts/0\r\n'],
  ['--ulimit nofile=64:128', 'ulimit -n; ulimit -Hn', '64\n128\n'],
  ['-u 5:6', 'id -u; id -g', '5\n6\n'],
  ['--userns host', 'echo x', 'x\n'],
  ['-v /tmp:/outside:ro', 'touch /outside/x 2>/dev/null || echo read only', 'read only\n'],
  ['-v named-volume:/data --volume-driver local', 'echo kept > /data/x; cat /data/x', 'kept\n'],
  ['-w /etc', 'pwd', '/etc\n'],
];

/** What Berth lacks says so, by the API's name of the option, or in the words of the CLI. */
const REFUSED: readonly (readonly [options: string, says: RegExp])[] = [
  ['--annotation a=b', /Annotations/],
  ['--blkio-weight 100', /BlkioWeight/],
  ['--blkio-weight-device /dev/null:100', /BlkioWeightDevice/],
  ['--cgroup-parent /x', /CgroupParent/],
  ['--cgroupns host', /CgroupnsMode/],
  ['--cpu-count 1', /only supported on a Docker daemon running on windows/],
  ['--cpu-percent 1', /only supported on a Docker daemon running on windows/],
  ['--cpu-rt-period 1000', /CpuRealtimePeriod/],
  ['--cpu-rt-runtime 1000', /CpuRealtimeRuntime/],
  ['--device /dev/null', /Devices/],
  ['--device-cgroup-rule "c 1:3 r"', /DeviceCgroupRules|invalid argument/],
  ['--device-read-bps /dev/null:1mb', /BlkioDeviceReadBps/],
  ['--device-read-iops /dev/null:1', /BlkioDeviceReadIOps/],
  ['--device-write-bps /dev/null:1mb', /BlkioDeviceWriteBps/],
  ['--device-write-iops /dev/null:1', /BlkioDeviceWriteIOps/],
  ['--gpus all', /DeviceRequests/],
  ['--health-cmd true', /Healthcheck/],
  ['--health-interval 1s', /Healthcheck/],
  ['--health-retries 1', /Healthcheck/],
  ['--health-start-interval 1s', /Healthcheck/],
  ['--health-start-period 1s', /Healthcheck/],
  ['--health-timeout 1s', /Healthcheck/],
  ['--io-maxbandwidth 1m', /only supported on a Docker daemon running on windows/],
  ['--io-maxiops 1', /only supported on a Docker daemon running on windows/],
  ['--ip6 2001:db8::1', /IPv6|IPAMConfig/],
  ['--ipc host', /IpcMode/],
  ['--link x', /Links|x/],
  ['--link-local-ip 169.254.0.9', /IPAMConfig|LinkLocal/],
  ['--memory-swappiness 10', /MemorySwappiness/],
  ['--network no-such-network', /network no-such-network not found/],
  ['--oom-kill-disable', /OomKillDisable/],
  ['--pid host', /PidMode/],
  ['--pull never --platform linux/riscv64', /does not match the specified platform/],
  ['--storage-opt size=1g', /StorageOpt/],
  ['--uts host', /UTSMode/],
  ['--volumes-from x', /VolumesFrom/],
  ['--log-driver journald', /no log driver named 'journald'/],
];

/** Covered elsewhere, or the CLI's own affair: it sends no --kernel-memory any more, and makes a bind mount of --use-api-socket. */
const ELSEWHERE = new Set(['--runtime', '--kernel-memory', '--use-api-socket', '--detach', '--restart', '--rm', '--ip', '--mac-address', '--network-alias', '--help']);

let engine: TestEngine;
let files: Readonly<Record<string, string>>;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  const { writeFileSync } = await import('node:fs');
  const root = engine.settings.dataRoot;
  files = { CIDFILE: `${root}/cid`, ENVFILE: `${root}/env`, LABELFILE: `${root}/labels` };
  writeFileSync(`${root}/env`, 'FROM_FILE=yes\n');
  writeFileSync(`${root}/labels`, 'l=1\n');
}, 120_000);

afterAll(() => engine?.stop(), 60_000);

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

test('no option of docker run is forgotten here', async () => {
  const { stdout } = await engine.docker(['run', '--help']);
  const all = [...stdout.matchAll(/^ +(?:(-\w), )?(--[\w-]+)/gm)];
  const asked = new Set([...WORKING.map(([options]) => options), ...REFUSED.map(([options]) => options)].flatMap((options) => options.split(' ')).map((word) => word.split('=')[0] ?? ''));
  const forgotten = all.filter(([, short = '', long = '']) => !asked.has(short) && !asked.has(long) && !ELSEWHERE.has(long)).map(([, , long]) => long);
  expect(all.length).toBeGreaterThan(80);
  expect(forgotten).toEqual([]);
});
