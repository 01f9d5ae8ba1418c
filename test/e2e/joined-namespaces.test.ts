import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** Containers that share processes, or IPC, with another. What dockerd 20.10 says and does of it was asked of it. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine.stop(), patience(60_000));
afterEach(async () => {
  const { stdout } = await docker('ps', '-aq');
  if (stdout !== '') await docker('rm', '-f', ...stdout.trim().split('\n'));
});

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const run = (...args: string[]): Promise<CliResult> => docker('run', '--rm', '--network', 'none', ...args);
const inspect = async (name: string, format: string): Promise<string> => (await docker('inspect', '--format', format, name)).stdout.trim();
const refused = (text: string, code = 125) => ({ code, stderr: expect.stringContaining(`Error response from daemon: ${text}`) as string });

/** Its id. */
async function start(name: string, ...options: string[]): Promise<string> {
  const { stdout, stderr, code } = await docker('run', '-d', '--name', name, '--network', 'none', ...options, 'busybox', 'sleep', '1000');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
}
const namespaceOf = async (name: string, type: string): Promise<string> => readlinkSync(`/proc/${await inspect(name, '{{.State.Pid}}')}/ns/${type}`);

test('one whose namespaces were to be joined, and that ends before they are, lends nobody else\'s', async () => {
  const slow = await startEngine({ BERTH_FAILPOINTS: 'task.prepared@2=delay:3000' });
  try {
    await slow.loadBusybox();
    await slow.docker(['run', '-d', '--name', 'owner', '--ipc', 'shareable', 'busybox', 'sleep', '1000']);
    const joining = slow.docker(['run', '--rm', '--network', 'none', '--ipc', 'container:owner', '--pid', 'container:owner', 'busybox', 'true']);
    await expect.poll(() => readdirSync(`${slow.settings.runRoot}/tasks`).length).toBe(2); // it is being prepared
    await slow.docker(['kill', 'owner']);
    // The second is what a launch that is asked for again just behind that is told.
    expect(await joining).toMatchObject({ code: 125, stderr: expect.stringMatching(/cannot join the processes of container [0-9a-f]{64}: it has ended meanwhile|container [0-9a-f]{64} is not running/) });
  } finally {
    await slow.stop();
  }
}, patience(90_000));

test('with the processes of one that has the host\'s it has the host\'s as well', async () => {
  await start('owner', '--pid', 'host');
  expect(await run('--pid', 'container:owner', 'busybox', 'readlink', '/proc/self/ns/pid')).toMatchObject({ stdout: `${readlinkSync('/proc/self/ns/pid')}\n`, code: 0 });
});

test('a container with the processes of another sees and signals them, and no others', async () => {
  const id = await start('owner', '-e', 'WHO=owner');
  await docker('exec', '-d', 'owner', 'sleep', '2000');
  const seen = await run('--pid', 'container:owner', 'busybox', 'sh', '-c', 'ps -o args; tr "\\0" "\\n" < /proc/1/environ | grep WHO; grep -c . /proc/sys/kernel/pid_max; kill $(pidof sleep)'); // a first process hears no signal that it does not handle
  expect(seen.stdout.split('\n').filter((line) => line !== '')).toEqual(['COMMAND', 'sleep 1000', 'sleep 2000', expect.stringMatching(/^sh -c/), expect.stringContaining('ps'), 'WHO=owner', '1']);
  expect((await docker('exec', 'owner', 'ps', '-o', 'args')).stdout).not.toContain('sleep 2000');
  await start('rider', '--pid', `container:${id.slice(0, 12)}`);
  expect(await inspect('rider', '{{.HostConfig.PidMode}}')).toBe(`container:${id}`);
  expect(await namespaceOf('rider', 'pid')).toBe(await namespaceOf('owner', 'pid'));
  for (const type of ['mnt', 'uts', 'ipc', 'net', 'cgroup']) expect(await namespaceOf('rider', type), type).not.toBe(await namespaceOf('owner', type));
  // Its own: an exec, top, the cgroup.
  expect((await docker('exec', 'rider', 'ps', '-o', 'args')).stdout.match(/sleep 1000/g)).toHaveLength(2);
  expect((await docker('top', 'rider', '-o', 'pid,args')).stdout).toMatch(/^ *PID +COMMAND\n *\d+ +sleep 1000\n$/);
  expect(await docker('stop', '-t', '0', 'rider')).toMatchObject({ code: 0 });
  expect(await inspect('owner', '{{.State.Running}}')).toBe('true');
});

test('its /proc is masked and read-only as its own would be, and as the other\'s is not', async () => {
  await docker('run', '-d', '--name', 'strong', '--network', 'none', '--privileged', 'busybox', 'sleep', '1000');
  const own = await run('busybox', 'sh', '-c', 'grep " /proc" /proc/self/mountinfo | cut -d" " -f5,6 | sort');
  const joined = await run('--pid', 'container:strong', 'busybox', 'sh', '-c', 'grep " /proc" /proc/self/mountinfo | cut -d" " -f5,6 | sort; echo 1 > /proc/sys/kernel/pid_max');
  expect(joined.stdout).toBe(own.stdout);
  expect(joined.stderr).toContain('Read-only file system');
  expect(own.stdout).toMatch(/^\/proc rw,nosuid,nodev,noexec/m);
});

test('it has a terminal and a user like any other, and no init, which would be none there, as with dockerd', async () => {
  await start('owner');
  const seen = await run('-t', '--init', '--user', '1000', '--cap-drop', 'ALL', '--pid', 'container:owner', 'busybox', 'sh', '-c', 'id -u; tty; grep -E "CapPrm|NoNewPrivs|Seccomp:" /proc/$$/status; ps -o args');
  expect(seen.stdout.replaceAll('\r', '').split('\n')).toEqual(expect.arrayContaining(['1000', '/dev/pts/0', 'CapPrm:\t0000000000000000', 'Seccomp:\t2', 'sleep 1000']));
  expect(seen.stdout).not.toContain('docker-init');
});

test('what it started is ended with it, and nothing of the other', async () => {
  await start('owner');
  await docker('run', '-d', '--name', 'rider', '--network', 'none', '--pid', 'container:owner', 'busybox', 'sh', '-c', 'sleep 98765 & exec sleep 1000');
  await expect.poll(async () => (await docker('exec', 'owner', 'ps', '-o', 'args')).stdout, { timeout: patience(10_000) }).toContain('sleep 98765');
  await docker('rm', '-f', 'rider');
  const left = (await docker('exec', 'owner', 'ps', '-o', 'args')).stdout;
  expect(left).not.toContain('sleep 98765');
  expect(left.match(/sleep 1000/g)).toHaveLength(1);
});

test('when the other ends, the kernel ends it too: 137; it starts again with the other and not without', async () => {
  const id = await start('owner');
  await start('rider', '--pid', 'container:owner');
  await docker('kill', 'owner');
  expect((await docker('wait', 'rider')).stdout).toBe('137\n');
  expect(await inspect('rider', '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('exited 137 false');
  expect(await docker('start', 'rider')).toMatchObject(refused(`failed to join PID namespace: container ${id} is not running`, 1));
  await docker('start', 'owner');
  expect(await docker('start', 'rider')).toMatchObject({ code: 0 });
  expect((await docker('exec', 'rider', 'ps', '-o', 'args')).stdout.match(/sleep 1000/g)).toHaveLength(2);
  await docker('rm', '-f', 'owner');
  expect((await docker('wait', 'rider')).stdout).toBe('137\n');
  expect(await docker('start', 'rider')).toMatchObject(refused(`failed to join PID namespace: No such container: ${id}`, 1));
});

test('what cannot be joined is refused in dockerd\'s words', async () => {
  const never = (await docker('create', '--name', 'never', '--network', 'none', '--ipc', 'shareable', 'busybox', 'true')).stdout.trim();
  const alone = await start('alone');
  const none = await start('none', '--ipc', 'none');
  const over = await start('over', '--ipc', 'shareable', '--tmpfs', '/dev/shm');
  for (const mode of ['--pid', '--ipc']) expect(await docker('create', mode, 'container:missing', 'busybox')).toMatchObject(refused('No such container: missing', 1));
  expect(await run('--pid', 'container:never', 'busybox')).toMatchObject(refused(`failed to join PID namespace: container ${never} is not running`));
  expect(await run('--ipc', 'container:never', 'busybox')).toMatchObject(refused(`failed to join IPC namespace: container ${never} is not running`));
  for (const [name, id] of [['alone', alone], ['none', none], ['over', over]] as const)
    expect(await run('--ipc', `container:${name}`, 'busybox')).toMatchObject(refused(`failed to join IPC namespace: container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`));
  expect((await docker('ps', '-aq')).stdout.trim().split('\n')).toHaveLength(4); // --rm took the others
});

test('a container with the IPC of another shares its memory by either interface', async () => {
  const id = await start('owner', '--ipc', 'shareable', '--shm-size', '3m');
  await start('rider', '--ipc', 'container:owner', '--shm-size', '9m');
  expect(await inspect('rider', '{{.HostConfig.IpcMode}}')).toBe(`container:${id}`);
  expect(await namespaceOf('rider', 'ipc')).toBe(await namespaceOf('owner', 'ipc'));
  await docker('exec', 'owner', 'sh', '-c', 'echo from the owner > /dev/shm/a');
  await docker('exec', 'rider', 'sh', '-c', 'echo from the rider > /dev/shm/b');
  expect((await docker('exec', 'rider', 'cat', '/dev/shm/a')).stdout).toBe('from the owner\n');
  expect((await docker('exec', 'owner', 'cat', '/dev/shm/b')).stdout).toBe('from the rider\n');
  expect((await docker('exec', 'rider', 'df', '-k', '/dev/shm')).stdout).toMatch(/^shm +3072 /m);
  expect((await docker('exec', 'rider', 'grep', ' /dev/shm ', '/proc/self/mounts')).stdout).toMatch(/^shm \/dev\/shm tmpfs rw,nosuid,nodev,noexec/);
  // Who joined can be joined; the memory is there as long as one of them is.
  await docker('rm', '-f', 'owner');
  expect((await run('--ipc', 'container:rider', 'busybox', 'cat', '/dev/shm/a')).stdout).toBe('from the owner\n');
});

test('of itself a container shares nothing: private is the default, none has no /dev/shm, the host\'s is the host\'s', async () => {
  await start('plain');
  expect(await inspect('plain', '{{.HostConfig.IpcMode}}')).toBe('private');
  expect(await namespaceOf('plain', 'ipc')).not.toBe(readlinkSync('/proc/self/ns/ipc'));
  expect((await run('--ipc', 'none', 'busybox', 'ls', '/dev/shm')).stderr).toContain('No such file or directory');
  expect((await run('--ipc', 'host', 'busybox', 'readlink', '/proc/self/ns/ipc')).stdout.trim()).toBe(readlinkSync('/proc/self/ns/ipc'));
});

test('the executor may die and come back while such containers run', async () => {
  await start('owner', '--ipc', 'shareable');
  await start('rider', '--pid', 'container:owner', '--ipc', 'container:owner');
  const before = engine.pid('executor') ?? 0;
  process.kill(before, 'SIGKILL');
  await expect.poll(() => engine.pid('executor') ?? before, { timeout: patience(20_000) }).not.toBe(before);
  await expect.poll(async () => (await docker('exec', 'rider', 'ps', '-o', 'args')).stdout.match(/sleep 1000/g)?.length, { timeout: patience(20_000) }).toBe(2);
  expect((await run('--pid', 'container:rider', '--ipc', 'container:rider', 'busybox', 'ps', '-o', 'args')).stdout.match(/sleep 1000/g)).toHaveLength(2);
  await docker('kill', 'owner');
  expect((await docker('wait', 'rider')).stdout).toBe('137\n');
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(engine.settings.runRoot);
});
