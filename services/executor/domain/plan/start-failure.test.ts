import { expect, test } from 'vitest';
import { planOf } from './encode-plan.js';
import type { PlanSettings, PlanStep } from './plan-table.js';
import { appArmorSteps } from './process-steps.js';
import { execExitCode, startFailure } from './start-failure.js';

const settings: PlanSettings = {
  taskDirectory: '/t', logPath: '', logMaxBytes: 0, logMaxFiles: 1, socketGroup: 0, socketMode: 0o660, shimCgroupPaths: [], namespaces: 0,
  terminal: false, rows: 0, columns: 0, openStdin: false, stdinOnce: false, tickets: [], cgroupPaths: [],
};
const [ENOENT, EACCES, ENOEXEC, ENOTDIR, EPERM, EXDEV] = [2, 13, 8, 20, 1, 18];
// What a step carries besides its kind is of no matter here.
const exec = planOf(settings, [{ op: 'exec', actor: 'child', from: 'process.args', args: ['x'], env: [] } as unknown as PlanStep]);
const failure = (errno: number, command = 'nope') => startFailure(exec, 0, errno, command);

test('a command that is not there is told in the words from which clients make exit code 127', () => {
  expect(failure(ENOENT).message).toMatch(/unable to start container process: exec: "nope": executable file not found in \$PATH: unknown$/);
  expect(failure(ENOENT, '/bin/nope').message).toMatch(/exec: "\/bin\/nope": stat \/bin\/nope: no such file or directory: unknown$/);
});
test('a command that may not run is told in the words from which clients make exit code 126', () => {
  expect(failure(EACCES).message).toContain('exec: "nope": permission denied');
  expect(failure(ENOTDIR).message).toContain('exec: "nope": not a directory');
  expect(failure(ENOEXEC).message).toContain('exec: "nope": exec format error');
  for (const errno of [ENOENT, EACCES, ENOTDIR, ENOEXEC]) expect(failure(errno).kind).toBe('invalid');
});
test('no error of an exec has its variables', () => {
  expect(failure(40, '/loop').message).toMatch(/exec: "\/loop": stat \/loop: too many levels of symbolic links: unknown$/);
  expect(failure(12).message).toMatch(/unable to start container process: exec: "nope": ENOMEM: unknown$/);
});

test('an exec of what is not there ends with 127, any other that cannot be executed with 126', () => {
  for (const errno of [ENOENT, ENOTDIR]) expect(execExitCode(failure(errno).message)).toBe(127);
  for (const errno of [EACCES, ENOEXEC]) expect(execExitCode(failure(errno).message)).toBe(126);
  expect(execExitCode('the shim of container c is lost')).toBe(126);
});
test('a user that the image does not know is named', () => {
  const plan = planOf(settings, [{ op: 'set_user', actor: 'child', from: 'process.user', user: 'app:staff', extraGroups: ['7', 'wheel'] }]);
  expect(startFailure(plan, 0, 3, 'sh').message).toMatch(/^unable to find group staff, wheel: no matching entries in group file$/);
  expect(startFailure(plan, 0, ENOENT, 'sh')).toMatchObject({ kind: 'unclassified', message: 'unable to find user app: no matching entries in passwd file' });
});
test.each([['4294967296', 34], ['0:4294967295', 34], ['-1', ENOENT]])('%s is no number of a user', (user, errno) => {
  const plan = planOf(settings, [{ op: 'set_user', actor: 'child', from: 'process.user', user, extraGroups: [] }]);
  expect(startFailure(plan, 0, errno, 'sh')).toMatchObject({ kind: 'unclassified', message: 'uids and gids must be in range 0-2147483647' });
});
test.each(['bind_part', 'part_tree'] as const)('a part of a volume that is not there, or not in it, is told in dockerd\'s words (%s)', (op) => {
  // What a step carries besides is of no matter here.
  const plan = planOf(settings, [{ op, actor: 'child', from: 'mounts[0]', source: '/v', below: 'a/b' } as unknown as PlanStep]);
  expect(startFailure(plan, 0, ENOENT, 'sh')).toMatchObject({ kind: 'not-found', message: 'cannot access path /v/a/b: lstat /v/a/b: no such file or directory' });
  expect(startFailure(plan, 0, EXDEV, 'sh')).toMatchObject({ kind: 'invalid', message: 'path concatenation escapes the base directory, base: /v, subpath: a/b' });
});
test('any other failure names the step, what it stands for and the error of the kernel', () => {
  const plan = planOf(settings, [{ op: 'set_hostname', actor: 'child', from: 'hostname', name: 'box' }]);
  const { kind, message } = startFailure(plan, 0, EPERM, 'sh');
  expect(kind).toBe('internal');
  expect(message).toContain('step 0 child set_hostname name="box" (from hostname): EPERM');
});
test("an exec's working directory that is none is told in runc's words", () => {
  const plan = planOf(settings, [{ op: 'chdir', actor: 'child', from: 'process.cwd', path: '/nowhere', create: false } as unknown as PlanStep]);
  const { message } = startFailure(plan, 0, ENOENT, 'sh', 'exec failed: ');
  expect(message).toBe('exec failed: chdir to cwd ("/nowhere") set in config.json failed: no such file or directory: unknown');
  expect(execExitCode(message)).toBe(127);
  expect(startFailure(plan, 0, ENOTDIR, 'sh').message).toBe('Cannot mkdir: /nowhere is not a directory');
});

test.each([
  ['bind_mount', { source: '/a' }, '/a'], ['bind_part', { source: '/v', below: 'a' }, '/v/a'], ['mount_fs', { type: 'tmpfs', source: 'tmpfs' }, 'tmpfs'], ['attach_tree', {}, '/b'],
])('a file over a directory, or a directory over a file, is told in dockerd\'s words (%s)', (op, operands, source) => {
  const steps = [{ op: 'bind_tree', from: 'mounts[7]', source: '/b' }, { op, from: 'mounts[7]', target: '/etc', ...operands }] as unknown as PlanStep[];
  expect(startFailure(planOf(settings, steps), 1, ENOTDIR, 'sh')).toMatchObject({ kind: 'invalid', message: expect.stringMatching(new RegExp(`: error mounting "${source}" to rootfs at "/etc": not a directory: Are you trying to mount a directory onto a file .or vice-versa.`)) });
});
test.each([['mount_fs', 'mounts[0]', 'proc'], ['bind_mount', 'linux.maskedPaths', 'none']])('a place of the engine\'s own that is no directory is told by the step (%s)', (op, from, type) => {
  expect(startFailure(planOf(settings, [{ op, from, source: 'x', target: '/proc', type } as unknown as PlanStep]), 0, ENOTDIR, 'sh').message).toMatch(/ENOTDIR: unknown$/);
});

test('what a shim names in place of a step has a name', () => {
  expect(startFailure(exec, 0xfffffffe, 11, 'sh').message).toContain('step clone: EAGAIN');
  expect(startFailure(exec, 0xfffffffb, 11, 'sh').message).toContain('256 commands run in the container already');
  expect(startFailure(exec, 0xfffffffa, 24, 'sh').message).toContain('496 clients read from the container already');
});
test('a step outside the plan is said to be so', () => expect(startFailure(exec, 9, EPERM, 'sh').message).toContain('9: no step of the plan'));
test('a hard limit that the engine has no right to raise is refused in words', () => {
  const plan = planOf(settings, [{ op: 'set_rlimit', actor: 'child', from: 'process.rlimits[0]', resource: 7, soft: 1n, hard: 2n, optional: false }]);
  expect(startFailure(plan, 0, EPERM, 'sh')).toMatchObject({ kind: 'invalid', message: expect.stringContaining('operation not permitted: the engine has no right to raise a hard limit') });
});

test('an AppArmor profile that is not loaded is told in runc\'s words', () => {
  const [step] = appArmorSteps('mine');
  const confined = planOf(settings, step ? [step] : []);
  expect(startFailure(confined, 0, ENOENT, 'x')).toMatchObject({ kind: 'internal', message: expect.stringMatching(/^failed to create task for container: .*: error during container init: unable to apply apparmor profile: apparmor failed to apply profile: write \/proc\/self\/attr\/apparmor\/exec: no such file or directory: unknown$/) });
  expect(startFailure(confined, 0, EPERM, 'x').message).toContain('from process.apparmorProfile): EPERM');
});

test.each([
  [ENOENT, 'invalid', 'open sysctl net.core.nosuch file: no such file or directory: unknown'],
  [21, 'invalid', 'open sysctl net.core.nosuch file: is a directory: permission denied: unknown'],
  [22, 'internal', 'failed to write sysctl net.core.nosuch = "1": invalid argument: unknown'],
  [5, 'internal', 'failed to write sysctl net.core.nosuch = "1": EIO: unknown'],
])('a sysctl that the kernel refuses with %i is told in the words of runc', (errno, kind, says) => {
  const plan = planOf(settings, [{ op: 'sysctl', actor: 'child', from: 'linux.sysctl["net.core.nosuch"]', name: 'net.core.nosuch', value: '1' } as unknown as PlanStep]);
  const { message, ...failed } = startFailure(plan, 0, errno, 'sh');
  expect([failed, message.split('error during container init: ')[1]]).toEqual([expect.objectContaining({ kind }), says]);
});
