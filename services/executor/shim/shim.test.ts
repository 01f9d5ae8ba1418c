import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deviceAccess } from '#libs/cgroup/device-access.js';
import { compileDeviceFilter } from '#libs/cgroup/device-filter.js';
import { cgroupDirectories, controllerDirectory, detect } from '#libs/cgroup/layout.js';
import type { DeviceRule } from '#libs/cgroup/limits.js';
import { patience } from '../../../test/engine/patience.js';
import { encodePlan, planOf } from '../domain/plan/encode-plan.js';
import type { PlanSettings, PlanStep } from '../domain/plan/plan-table.js';
import { finish } from './testing/finish.js';
import { Control, Task, attach, defaults, demultiplex, exec, sh, text, tree, u32 } from './testing/shim-driver.js';
import { bench, child, native, ticket, useShimBench } from './testing/use-shim-bench.js';

/** The v2 hierarchy's top, where the machine has one. */
const { unified } = detect();

useShimBench();

/** Whether a process does not run at all; that nothing happens has no event. */
async function isIdle(pid: number): Promise<boolean> {
  const ticks = async () => (await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[2];
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = await ticks();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return (await ticks()) === before;
}

test('a container sees its hostname and itself as process 1; its log and exit code are kept', async () => {
  const task = await bench.run('basic', (at) => [...tree(at), sh('hostname; echo $$; echo oops >&2; printf "no newline \\377"; exit 7')]);
  const { pid } = await task.control.next('started');
  expect(pid).toBeGreaterThan(1);
  expect(await task.control.next('exited')).toMatchObject({ code: 7, signal: 0, oom: 0 });
  const log = await task.log();
  expect(log.filter((line) => line.stream === 'stdout').map((line) => line.log)).toEqual(['harbour\n', '1\n', 'no newline \ufffd']);
  expect(log.filter((line) => line.stream === 'stderr').map((line) => line.log)).toEqual(['oops\n']);
  expect(await task.exit()).toMatch(/^7 0 0 \d+\n$/);
  await finish(task);
});

test('a container killed by a signal exits with 128 and the signal', async () => {
  const task = await bench.run('killed', (at) => [...tree(at), exec('sleep', '1000')]);
  await task.control.next('started');
  const status = await readFile(`/proc/${task.pid}/status`, 'utf8');
  expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThanOrEqual(512);
  task.control.send(2, u32(9));
  expect(await task.control.next('exited')).toMatchObject({ code: 137, signal: 9 });
  await finish(task);
});

test('a step that fails is named by its number and errno, and exit steps take back what was made', async () => {
  const [cgroup = ''] = cgroupDirectories(detect(), `/berth-shim-test-${process.pid}`);
  const task = await bench.run('failing', (at) => [
    { op: 'mkdir_host', actor: 'parent', from: 'test', path: cgroup, mode: 0o755 },
    ...tree(at, [{ ...child, op: 'bind_mount', source: '/nowhere', target: '/data', recursive: true, readonly: false, propagation: 0, attributes: 0 }]),
    sh('true'),
    { op: 'rmdir_cgroup', actor: 'exit', from: 'test', path: cgroup },
  ], { cgroupPaths: [cgroup] });
  expect(await task.control.next('failed')).toMatchObject({ step: 6, errno: 2 });
  expect(existsSync(cgroup)).toBe(false);
  await finish(task);
});

test('a process that has the number of one that was in the cgroup is not ended with it', async () => {
  const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const ended = once(stranger, 'close');
  // As the list was when it was read; without cgroup.kill, as in v1.
  const cgroup = mkdtempSync(join(tmpdir(), 'berth-cgroup-'));
  writeFileSync(join(cgroup, 'cgroup.procs'), `${stranger.pid}\n`);
  mkdirSync(join(cgroup, 'cgroup.kill'));
  const task = await bench.run('numbered', (at) => [...tree(at), sh('true'), { op: 'rmdir_cgroup', actor: 'exit', from: 'test', path: cgroup }]);
  await task.control.next('exited');
  await finish(task);
  rmSync(cgroup, { recursive: true });
  stranger.kill();
  expect(await ended).toEqual([null, 'SIGTERM']);
});

test.skipIf(unified === undefined)('a birth that the kernel refuses is told, and nothing is left that the shim would wait for', async () => {
  // In a threaded subtree a cgroup that is not threaded itself takes no processes (kernel: admin-guide/cgroup-v2, "Threads").
  const top = join(unified ?? '', `berth-shim-threaded-${process.pid}`);
  const [threaded, invalid] = [join(top, 'threaded'), join(top, 'invalid')];
  for (const path of [top, threaded, invalid]) mkdirSync(path);
  try {
    writeFileSync(join(threaded, 'cgroup.type'), 'threaded');
    const task = await bench.run('unborn', (at) => [...tree(at), exec('true')], { cgroupPaths: [invalid] });
    expect(await task.control.next('failed')).toMatchObject({ step: 0xfffffffe, errno: 95 });
    expect(await isIdle(task.pid)).toBe(true);
    await finish(task);
  } finally {
    for (const path of [invalid, threaded, top]) rmdirSync(path);
  }
});

test('a part of a directory is mounted, and nothing in it leads out; read-only alone leaves what is mounted below writable', async () => {
  const directory = join(bench.directory, 'parts');
  mkdirSync(join(directory, 'a/b'), { recursive: true });
  writeFileSync(join(directory, 'a/b/file'), 'in it');
  for (const [to, name] of [['a/b', 'inner'], ['../..', 'up'], ['/etc', 'absolute'], [`/proc/${process.pid}/root`, 'magic']] as const) symlinkSync(to, join(directory, name));
  const part = (below: string, target: string) => ({ ...child, op: 'bind_part', source: directory, below, target, recursive: true, readonly: false, alone: false, propagation: 0, attributes: 0 }) as const;
  const devices = { ...part('', '/devices'), source: '/dev', readonly: true, propagation: 0x40000 | 0x4000 } as const;
  const mounts = [part('inner', '/part'), part('a/b/file', '/file'), { ...devices, alone: true }, { ...devices, target: '/sealed' }];
  const task = await bench.run('parts', (at) => [...tree(at, mounts), sh('cat /part/file; echo; cat /file; echo; grep -E " /(devices|sealed)(/shm)? " /proc/self/mountinfo | cut -d" " -f5,6 | sed "s/,.*//" | sort -u')]);
  await task.control.next('started');
  expect(await task.control.next('exited')).toMatchObject({ code: 0 });
  const lines = (await task.log()).map(({ log }) => log.trim());
  expect(lines.slice(0, 2)).toEqual(['in it', 'in it']);
  expect(lines).toEqual(expect.arrayContaining(['/devices ro', '/devices/shm rw', '/sealed ro', '/sealed/shm ro']));
  await finish(task);
  for (const [below, errno] of [['up', 18], ['absolute', 18], ['magic', 18], ['a/../..', 18], ['missing', 2], ['a/b/file/x', 20]] as const) {
    const refused = await bench.run(`part-${below.replaceAll('/', '-')}`, (at) => [...tree(at, [part(below, '/part')]), sh('true')]);
    expect(await refused.control.next('failed'), below).toMatchObject({ errno });
    await finish(refused);
  }
});

test('what the OOM killer takes is told while the container runs: what has been at once, what comes at most every few seconds', async () => {
  const layout = detect();
  const cgroup = controllerDirectory(layout, 'memory', `/berth-shim-oom-${process.pid}`) ?? '';
  mkdirSync(cgroup);
  const [limit, counter, control] = layout.mode === 'v2' ? ['memory.max', `${cgroup}/memory.events`, ''] : ['memory.limit_in_bytes', `${cgroup}/memory.oom_control`, `${cgroup}/cgroup.event_control`];
  writeFileSync(join(cgroup, limit), '16M');
  /** One process of the cgroup more. */
  const isKilled = () => expect(spawnSync('sh', ['-c', `echo $$ > ${cgroup}/cgroup.procs; exec dd if=/dev/zero of=/dev/null bs=64M`]).signal).toBe('SIGKILL');
  const task = await bench.run('oom', (at) => [...tree(at), exec('sleep', '1000')]);
  await task.control.next('started');
  isKilled();
  task.control.send(11, text(counter), text(control));
  expect(await task.control.next('oom-kills')).toMatchObject({ kills: 1 });
  isKilled();
  expect(await task.control.next('oom-kills')).toMatchObject({ kills: 2 });
  const begun = Date.now();
  for (let kills = 3; kills <= 5; kills++) isKilled();
  expect(await task.control.next('oom-kills')).toMatchObject({ kills: 5 });
  expect(Date.now() - begun).toBeGreaterThan(3_000);
  const again = await Control.open(join(task.directory, 'shim.sock'));
  again.send(11, text(counter), text(control));
  expect(await again.next('oom-kills')).toMatchObject({ kills: 5 });
  task.control.send(2, u32(9));
  await task.control.next('exited');
  again.socket.destroy();
  await finish(task);
  rmdirSync(cgroup);
}, patience(30_000));

test('a command that is not there fails the exec step with ENOENT, one that may not run with EACCES', async () => {
  const missing = await bench.run('missing', (at) => [...tree(at), exec('no-such-command')]);
  expect(await missing.control.next('failed')).toMatchObject({ step: 7, errno: 2 });
  await finish(missing);
  const forbidden = await bench.run('forbidden', (at) => [...tree(at), exec('/etc/passwd')]);
  expect(await forbidden.control.next('failed')).toMatchObject({ step: 7, errno: 13 });
  await finish(forbidden);
});

test('a plan that asks for it is timed, and its times are told once, before how the start went', async () => {
  const timed: PlanStep = { op: 'time_steps', actor: 'parent', from: 'test' };
  const before = process.hrtime.bigint();
  const task = await bench.run('timed', (at) => [timed, ...tree(at), exec('sleep', '1000')]);
  const { at } = await task.control.next('times');
  await task.control.next('started');
  const [begun = 0n, cloned = 0n, joined = 0n, executed = 0n, ...done] = at;
  expect(done.length).toBe(9);
  const inOrder = [before, begun, cloned, joined, ...done.slice(1, 8), executed, process.hrtime.bigint()];
  for (const [index, time] of inOrder.slice(1).entries()) expect(time >= (inOrder[index] ?? 0n), inOrder.join(' ')).toBe(true);
  expect(done[8]).toBe(0n); // exec does not return
  const again = await Control.open(join(task.directory, 'shim.sock'));
  await again.next('started');
  expect(again.has('times')).toBe(false);
  expect(readFileSync(`/proc/${task.pid}/maps`, 'utf8')).not.toContain('/dev/zero'); // a shared anonymous mapping
  task.control.send(2, u32(9));
  await task.control.next('exited');
  again.socket.destroy();
  await finish(task);
});

test('of a start that failed the times are told, too; without the step there are none', async () => {
  const timed: PlanStep = { op: 'time_steps', actor: 'parent', from: 'test' };
  const failed = await bench.run('timed-failure', (at) => [timed, ...tree(at), exec('no-such-command')]);
  expect((await failed.control.next('times')).at[4 + 8]).toBeGreaterThan(0n);
  await failed.control.next('failed');
  await finish(failed);
  const untimed = await bench.run('untimed', (at) => [...tree(at), exec('true')]);
  await untimed.control.next('exited');
  expect(untimed.control.has('times')).toBe(false);
  await finish(untimed);
});

const execSettings: PlanSettings = { ...defaults, namespaces: 0 };
const join_ = (steps: PlanStep[]): PlanStep[] => [
  { ...child, op: 'join_task', flags: 0x20000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000 },
  ...steps,
];

test('an exec joins the container as the user asked for, and the container goes on', async () => {
  const task = await bench.run('exec', (at) => [...tree(at), exec('sleep', '1000')]);
  await task.control.next('started');
  const plan = encodePlan(planOf({ ...execSettings, tickets: [`${ticket}:oe`] }, join_([
    { ...child, op: 'set_user', user: 'sam', extraGroups: ['99'] },
    { ...child, op: 'capabilities', bounding: 0, effective: 0, permitted: 0, inheritable: 0, ambient: 0 },
    { ...child, op: 'no_new_privileges' },
    { ...child, op: 'chdir', path: '/tmp', create: false },
    sh('hostname; id; pwd; echo $HOME; grep CapBnd /proc/self/status; ls /proc/self/fd; exit 3'),
  ])));
  task.control.send(4, text('exec-1'), u32(plan.length), Buffer.from(plan));
  await task.control.next('started', 'exec-1');
  const streams = demultiplex(await attach(join(task.directory, 'shim.sock'), ticket));
  expect(streams[2]).toBeUndefined();
  expect(streams[1]).toBe('harbour\nuid=1234(sam) gid=55(staff) groups=55(staff),77(wheel),99\n/tmp\n/home/sam\nCapBnd:\t0000000000000000\n0\n1\n2\n3\n');
  expect(await task.control.next('exited', 'exec-1')).toMatchObject({ code: 3 });
  task.control.send(6, text('exec-1'));
  task.control.send(2, u32(9));
  await task.control.next('exited');
  await finish(task);
});

test.each([['directory', 'mkdir /etc/passwd'], ['pipe', 'mkfifo /etc/passwd'], ['circle', 'ln -s passwd /etc/passwd'], ['kernel', 'ln -s /proc/version /etc/passwd'], ['device', 'mknod /etc/passwd c 240 7']])('where /etc/passwd is no file (%s) an exec has the user that is asked for by numbers', async (kind, replace) => {
  const task = await bench.run(`no-passwd-${kind}`, (at) => [...tree(at), sh(`busybox rm /etc/passwd; busybox ${replace}; echo replaced; exec sleep 1000`)]);
  await task.control.next('started');
  await expect.poll(async () => (await task.log().catch(() => [])).map(({ log }) => log), { timeout: patience(5_000) }).toEqual(['replaced\n']);
  const run = async (name: string, user: string) => {
    const plan = encodePlan(planOf({ ...execSettings, tickets: [`${ticket}:oe`] }, join_([{ ...child, op: 'set_user', user, extraGroups: [] }, sh('grep ^[UG]id: /proc/self/status')])));
    task.control.send(4, text(name), u32(plan.length), Buffer.from(plan));
  };
  await run('numbers', '1234:5');
  await task.control.next('started', 'numbers');
  expect(demultiplex(await attach(join(task.directory, 'shim.sock'), ticket))).toEqual({ 1: 'Uid:\t1234\t1234\t1234\t1234\nGid:\t5\t5\t5\t5\n' });
  await task.control.next('exited', 'numbers');
  task.control.send(6, text('numbers'));
  task.control.send(2, u32(9));
  await task.control.next('exited');
  await finish(task);
});

test('what an exec wrote is kept for who comes with its ticket, though the container has ended meanwhile', async () => {
  const task = await bench.run('exec-before-the-end', (at) => [...tree(at), exec('sleep', '1000')]);
  await task.control.next('started');
  const plan = encodePlan(planOf({ ...execSettings, tickets: [`${ticket}:oe`] }, join_([sh('echo said')])));
  task.control.send(4, text('exec-1'), u32(plan.length), Buffer.from(plan));
  await task.control.next('exited', 'exec-1');
  task.control.send(2, u32(9));
  await task.control.next('exited');
  task.control.send(6, text('exec-1'));
  task.control.send(6, text(''));
  task.control.send(8);
  await Promise.race([task.control.next('pong'), task.control.closed]);
  expect(demultiplex(await attach(join(task.directory, 'shim.sock'), ticket))).toEqual({ 1: 'said\n' });
  await finish(task);
});

test('a device node takes the place of nothing that is mounted: the host\'s files below a bind stay as they are', async () => {
  const shared = join(bench.directory, 'shared');
  const seen = join(bench.directory, 'seen');
  mkdirSync(shared);
  writeFileSync(join(shared, 'kept'), 'kept');
  writeFileSync(seen, 'seen\n');
  const bind = (source: string, target: string, readonly: boolean): PlanStep => ({ ...child, op: 'bind_mount', source, target, recursive: true, readonly, propagation: 0, attributes: 0 });
  const node = (target: string): PlanStep => ({ ...child, op: 'make_node', target, type: 'c', mode: 0o666, major: 1, minor: 3, uid: 0, gid: 0 });
  const steps = [
    bind(shared, '/dev/shared', false), node('/dev/shared/kept'), node('/dev/shared/made'), bind(shared, '/dev/fixed', true), node('/dev/fixed/kept'), bind(seen, '/dev/random', false), node('/dev/random'),
    bind(seen, '/opt/seen', false), node('/opt/seen'), node('/opt/node'), { ...node('/opt/node'), minor: 5 }, bind(shared, '/dev/whole', false), node('/dev/whole'),
  ] as const;
  const task = await bench.run('nodes', (at) => [...tree(at, steps), sh('cat /dev/random /opt/seen; stat -c %F:%T /dev/shared/made /opt/node')]);
  await task.control.next('started');
  await task.control.next('exited');
  expect((await task.log()).map(({ log }) => log)).toEqual(['seen\n', 'seen\n', 'character special file:3\n', 'character special file:5\n']);
  expect(readFileSync(join(shared, 'kept'), 'utf8')).toBe('kept');
  await finish(task);
});

describe('a mount of another container', () => {
  const PID_NAMESPACE = 0x20000000;
  const share = (pid: number, source: string, pidNamespace = ''): PlanStep => ({ ...child, op: 'share_mount', mountNamespace: `/proc/${pid}/ns/mnt`, pidNamespace, source, target: source, attributes: 14 });
  let donor: Task;
  let pid = 0;
  beforeAll(async () => {
    const link: PlanStep = { ...child, op: 'make_symlink', target: 'shown', link: '/tmp/link' };
    donor = await bench.run('donor', (at) => [...tree(at, [link, { ...child, op: 'make_symlink', target: '/tmp', link: '/way' }]), exec('sleep', '1000')]);
    ({ pid } = await donor.control.next('started'));
  });
  afterAll(async () => {
    donor.control.send(2, u32(9));
    await donor.control.next('exited');
    await finish(donor);
  });
  const failure = async (name: string, step: PlanStep): Promise<number> => {
    const task = await bench.run(name, (at) => [...tree(at, [step]), sh('true')]);
    const { errno } = await task.control.next('failed');
    await finish(task);
    return errno;
  };

  test('is taken alone, with these attributes', async () => {
    const task = await bench.run('sharing', (at) => [...tree(at, [share(pid, '/tmp')]), sh('readlink /tmp/link; grep " /tmp " /proc/self/mounts')]);
    await task.control.next('exited');
    expect((await task.log()).map(({ log }) => log).join('')).toMatch(/^shown\n\S+ \/tmp \S+ rw,nosuid,nodev,noexec/);
    await finish(task);
  });

  test('is not looked for behind a link, which that container may have put there', async () => expect(await failure('linked', share(pid, '/way'))).toBe(40));

  test("is no procfs when it is another pid namespace's, or only looks like one", async () => {
    expect(await failure('of-the-host', share(process.pid, '/proc', `/proc/${pid}/ns/pid`))).toBe(22);
    expect(await failure('no-procfs', share(pid, '/tmp', `/proc/${pid}/ns/pid`))).toBe(22);
  });

  test('is none of a path that is no namespace', async () => expect(await failure('no-namespace', { ...share(pid, '/tmp'), op: 'share_mount', mountNamespace: `/proc/${pid}/status` } as PlanStep)).toBe(22));

  test('a process among those of another sees them, ends with them, and has nothing open', async () => {
    const first = await bench.run('first', (at) => [...tree(at), exec('sleep', '1000')]);
    const { pid: init } = await first.control.next('started');
    const second = await bench.run(
      'second',
      (at) => [
        { op: 'hold_pid_namespace', actor: 'parent', from: 'test', path: `/proc/${init}/ns/pid` },
        ...tree(at, [share(init, '/proc', `/proc/${init}/ns/pid`)]),
        { ...child, op: 'join_task', flags: PID_NAMESPACE },
        sh('echo $$; ls /proc/self/fd; cat /proc/1/cmdline; echo; exec sleep 1000'),
      ],
      { namespaces: defaults.namespaces & ~PID_NAMESPACE },
    );
    await second.control.next('started');
    await expect.poll(async () => (await second.log()).map(({ log }) => log).join(''), { timeout: patience(5_000) }).toBe('2\n0\n1\n2\n3\nsleep\0' + '1000\0\n');
    first.control.send(2, u32(9));
    expect(await second.control.next('exited')).toMatchObject({ code: 137, signal: 9 });
    await first.control.next('exited');
    await finish(first);
    await finish(second);
  });
});

test('a terminal is the controlling one, is bound on /dev/console and takes its size from the client', async () => {
  const console_: PlanStep = { ...child, op: 'setup_console', bindConsole: true };
  const task = await bench.run('tty', (at) => [...tree(at, [console_]), sh('tty; stty size; ls -l /dev/console | head -c 1; read line; stty size; echo got $line')], {
    terminal: true, openStdin: true, rows: 24, columns: 80, tickets: [`${ticket}:ioe`],
  });
  await task.control.next('started');
  task.control.send(3, text(''), Buffer.from(Uint16Array.of(40, 100).buffer));
  task.control.send(8);
  await task.control.next('pong');
  const output = (await attach(join(task.directory, 'shim.sock'), ticket, 'hello\n')).toString();
  expect(output).toContain('/dev/pts/0\r\n');
  expect(output).toContain('40 100\r\n');
  expect(output).toContain('got hello\r\n');
  await task.control.next('exited');
  await finish(task);
});

test('masked and read-only paths are so', async () => {
  const task = await bench.run('masks', (at) => [
    ...tree(at, [{ ...child, op: 'mask_path', path: '/proc/version' }, { ...child, op: 'mask_path', path: '/proc/fs' }, { ...child, op: 'readonly_path', path: '/proc/sys' }, { ...child, op: 'readonly_root' }]),
    sh('cat /proc/version; ls /proc/fs; (echo x > /proc/sys/kernel/hostname) 2>/dev/null || echo ro; (echo x > /x) 2>/dev/null || echo ro root'),
  ]);
  await task.control.next('exited');
  expect((await task.log()).map((line) => line.log)).toEqual(['ro\n', 'ro root\n']);
  await finish(task);
});

describe.skipIf(unified === undefined)('devices on cgroup v2', () => {
  const nothing: DeviceRule = { allow: false, type: 'a', major: -1, minor: -1, access: 'rwm' };
  const anyNode: DeviceRule = { allow: true, type: 'c', major: -1, minor: -1, access: 'm' };
  const onlyNull: DeviceRule = { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' };

  test.each([
    { name: 'without rules all can be made and opened', rules: [], sees: ['null: made, opened', 'zero: made, opened'] },
    { name: 'of what may be made only what may be opened opens', rules: [nothing, anyNode, onlyNull], sees: ['null: made, opened', 'zero: made, refused'] },
    { name: 'what may not be made is not', rules: [nothing, onlyNull], sees: ['null: made, opened', 'zero: not made'] },
  ])('$name', async ({ rules, sees }) => {
    const cgroup = join(unified ?? '', `berth-shim-devices-${process.pid}`);
    const program = compileDeviceFilter(deviceAccess(rules));
    const task = await bench.run(`devices-${rules.length}`, (at) => [
      { op: 'mkdir_host', actor: 'parent', from: 'test', path: cgroup, mode: 0o755 },
      ...(program ? [{ op: 'device_filter', actor: 'parent', from: 'test', path: cgroup, program } as const] : []),
      ...tree(at),
      sh('for d in null:3 zero:5; do n=/tmp/${d%:*}; if busybox mknod $n c 1 ${d#*:} 2>/dev/null; then (: < $n) 2>/dev/null && s=opened || s=refused; echo ${d%:*}: made, $s; else echo ${d%:*}: not made; fi; done'),
      { op: 'rmdir_cgroup', actor: 'exit', from: 'test', path: cgroup },
    ], { cgroupPaths: [cgroup] });
    await task.control.next('exited');
    expect((await task.log()).map(({ log }) => log.trim())).toEqual(sees);
    expect(existsSync(cgroup)).toBe(false);
    await finish(task);
  });
});

test('a program that the kernel does not take fails its step', async () => {
  const [cgroup = ''] = cgroupDirectories(detect(), `/berth-shim-bad-${process.pid}`);
  const task = await bench.run('bad-filter', (at) => [
    { op: 'device_filter', actor: 'parent', from: 'test', path: cgroup, program: Buffer.alloc(8) },
    ...tree(at),
    sh('true'),
  ]);
  expect(await task.control.next('failed')).toMatchObject({ step: 0, errno: 22 });
  await finish(task);
});

test('a plan of another version is refused by the zygote, an unknown operation by the number of its step', async () => {
  const plan = Buffer.from(encodePlan(planOf(defaults, [])));
  plan.writeUInt32LE(99, 4);
  expect(await bench.request(plan)).toBe(-93);
  const directory = join(bench.directory, 'unknown');
  mkdirSync(directory);
  const odd = Buffer.from(encodePlan(planOf({ ...defaults, taskDirectory: directory }, [exec('true'), exec('true')])));
  odd.writeUInt16LE(999, odd.lastIndexOf(Buffer.from([49, 0, 1, 1, 0, 0, 0])));
  const pid = await bench.request(odd);
  const task = new Task(directory, pid, await Control.open(join(directory, 'shim.sock')));
  expect(await task.control.next('failed')).toMatchObject({ step: 1, errno: 38 });
  await finish(task);
});

test('an init passes signals on, reaps orphans and exits as its command', async () => {
  const init: PlanStep = { ...child, op: 'bind_mount', source: join(native, 'berth-init'), target: '/sbin/docker-init', recursive: false, readonly: true, propagation: 0, attributes: 0 };
  const task = await bench.run('init', (at) => [...tree(at, [init]), exec('/sbin/docker-init', '--', 'sh', '-c', 'trap "echo told; exit 5" TERM; (sleep 0.05 &); echo ready; while :; do sleep 0.05; done')]);
  await task.control.next('started');
  while (!(await task.log()).some((line) => line.log === 'ready\n')) await new Promise((resolve) => setImmediate(resolve));
  task.control.send(2, u32(15));
  expect(await task.control.next('exited')).toMatchObject({ code: 5 });
  expect((await task.log()).map((line) => line.log)).toContain('told\n');
  await finish(task);
});

test('an idle shim does not run, and a control connection made later hears what happened', async () => {
  const task = await bench.run('idle', (at) => [...tree(at), exec('sleep', '1000')]);
  await task.control.next('started');
  expect(await isIdle(task.pid)).toBe(true);
  task.control.send(2, u32(9));
  expect(await task.control.next('exited')).toMatchObject({ code: 137 });
  const later = await Control.open(join(task.directory, 'shim.sock'));
  await later.next('started');
  expect(await later.next('exited')).toMatchObject({ code: 137 });
  await finish(task);
});
