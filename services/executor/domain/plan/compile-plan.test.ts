import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { LaunchFields } from '#contracts/executor/tasks.js';
import { buildSpec, type SpecHost } from '../spec/build-spec.js';
import { compileExecPlan } from './compile-exec-plan.js';
import { compilePlan, type PlanRun } from './compile-plan.js';
import { compileRuntimeExecPlan } from './compile-runtime-plan.js';
import { describeStep, encodePlan, type Plan } from './encode-plan.js';
import { OPERATIONS, PLAN_VERSION, SETTINGS } from './plan-table.js';

const golden = join(dirname(fileURLToPath(import.meta.url)), '../../../../../services/executor/domain/plan/golden');
const cgroupDirectories = ['/sys/fs/cgroup/memory/berth/c', '/sys/fs/cgroup/cpu,cpuacct/berth/c', '/sys/fs/cgroup/unified/berth/c'];
const host: SpecHost = {
  containerDirectory: '/data/c', root: { overlay: { baseDirectory: '/data/layers', lower: ['b', 'a'], upper: '/data/c/diff', work: '/data/c/work', options: '' } }, rootTarget: '/data/c/merged',
  cgroupDirectories, cgroupsPath: '/berth/c', sandboxPath: '/proc/1/fd/9', cgroupMode: 'hybrid', initPath: '/opt/berth-init',
};
const plain: LaunchFields = {
  container: 'c', start: 1, name: 'box',
  process: { args: ['sh'], env: [], cwd: '/', user: '', groups: [], terminal: true, rows: 24, columns: 80, openStdin: true, stdinOnce: true },
  security: { privileged: false, capAdd: [], capDrop: [], noNewPrivileges: false, seccomp: 'default' },
  resources: {}, layers: [], readOnlyRoot: false, mounts: [], network: { mode: 'none' }, hostname: 'box', domainname: '', extraHosts: [], dns: [], dnsSearch: [], dnsOptions: [],
  ulimits: [], sysctls: {}, shmSizeBytes: 67108864, init: false, log: { driver: 'json-file', maxBytes: 0, maxFiles: 1, compress: false }, tickets: [],
};
const run: PlanRun = {
  taskDirectory: '/run/t', logPath: '/data/c/log', logMaxBytes: 0, logMaxFiles: 1, socketGroup: 7, tickets: [], terminal: true, rows: 24, columns: 80, openStdin: true, stdinOnce: true,
  cgroupDirectories, cgroupWrites: [{ path: '/sys/fs/cgroup/memory/berth/c/memory.limit_in_bytes', data: '1', optional: false }], oomPath: '/sys/fs/cgroup/memory/berth/c/memory.oom_control',
};
const ids = { uids: [{ inside: 0, outside: 100000, size: 65536 }], gids: [{ inside: 0, outside: 200000, size: 65536 }] };
const mapped: SpecHost = { ...host, userNamespace: { path: '/proc/1/fd/10', ids } };
const mappedSteps = (task: Partial<LaunchFields> = {}) => compilePlan(buildSpec({ ...plain, ...task }, mapped), run).steps;
const plan = (task: Partial<LaunchFields> = {}) => compilePlan(buildSpec({ ...plain, ...task }, host), run);
const operations = (task: Partial<LaunchFields> = {}) => plan(task).steps.map(({ op }) => op);

/** One line a setting and a step, as `12 child mount_fs type="proc" … (from mounts[0])`. */
function describePlan(plan: Plan): string {
  const settings = Object.keys(SETTINGS).map((name) => `${name} = ${JSON.stringify(plan.settings[name as keyof typeof SETTINGS])}`);
  return [`plan version ${plan.version}`, ...settings, ...plan.steps.map((_, number) => describeStep(plan, number)), ''].join('\n');
}

test.each([
  ['default', () => plan()],
  ['user-namespace', () => compilePlan(buildSpec({ ...plain, ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }], mounts: [{ type: 'volume', source: '/data/v', target: '/v', readOnly: false, propagation: '' }] }, mapped), run)],
  ['exec-in-user-namespace', () => compileExecPlan({ process: plain.process, security: plain.security, ids, privileged: false, ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }], initPid: 9, cgroupDirectories, tickets: [] })],
  ['exec', () => compileExecPlan({ process: plain.process, security: plain.security, privileged: false, ulimits: [], initPid: 9, hostname: 'box', cgroupDirectories, tickets: ['0'.repeat(32) + ':ioe'] })],
])('the %s plan, as a person reads it', (name, make) => {
  // The filter's length changes with every system call that is added to the profile; seccomp.test.ts looks into it.
  const text = describePlan(make()).replace(/program=<\d+ bytes>/, 'program=<…>');
  const path = join(golden, `${name}.txt`);
  if (process.env['RENEW_GOLDEN']) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
  expect(encodePlan(make()).length).toBeLessThan(32_768);
});

test('what exec plans use is what shims that live know: a change of it, or a step they do not have, would end every exec in them', () => {
  const fullest = { process: { ...plain.process, user: 'u', cwd: '/w' }, security: { ...plain.security, noNewPrivileges: true }, apparmorProfile: 'p', ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }], oomScoreAdj: 5, privileged: false, initPid: 9, cgroupDirectories, tickets: [], timed: true };
  const { oomScoreAdj: _, ...unscored } = fullest;
  const runtime = { path: '/usr/sbin/runc', stateDirectory: '/t/runc', logPath: '/t/log', id: 'c', pidFile: '/t/pid', consoleSocket: '/t/console' };
  const byRuntime = compileRuntimeExecPlan({ terminal: true, rows: 0, columns: 0, openStdin: false, stdinOnce: false, tickets: [] }, runtime, '/t/process.json', 5);
  const ops = new Set([compileExecPlan(fullest), compileExecPlan({ ...unscored, ids }), byRuntime].flatMap(({ steps }) => steps.map(({ op }) => op)));
  const used = { version: PLAN_VERSION, settings: Object.entries(SETTINGS), steps: Array.from(ops, (op) => [op, OPERATIONS[op].code, Object.entries(OPERATIONS[op].operands)] as const).toSorted(([, one], [, other]) => one - other) };
  expect(used).toEqual(JSON.parse(readFileSync(join(golden, 'exec-steps.json'), 'utf8')));
});

test('a filter is loaded while it still may be: before capabilities go, or last with no_new_privs', () => {
  const rights = (noNewPrivileges: boolean) => operations({ security: { ...plain.security, noNewPrivileges } }).filter((op) => ['no_new_privileges', 'set_user', 'seccomp', 'capabilities', 'exec'].includes(op));
  expect(rights(false)).toEqual(['set_user', 'seccomp', 'capabilities', 'exec']);
  expect(rights(true)).toEqual(['no_new_privileges', 'set_user', 'capabilities', 'seccomp', 'exec']);
});

test('the kernel takes a container for want of memory as readily as was asked for, else like every process, and its execs too', () => {
  const execPlan = (asked: { oomScoreAdj?: number }) => compileExecPlan({ process: plain.process, security: plain.security, privileged: false, ulimits: [], ...asked, initPid: 9, cgroupDirectories, tickets: [] });
  for (const compile of [plan, execPlan]) {
    const first = ({ steps }: Plan) => steps.find(({ actor }) => actor === 'child');
    expect(first(compile({ oomScoreAdj: -5 }))).toMatchObject({ op: 'write_file', path: '/proc/self/oom_score_adj', data: Buffer.from('-5') });
    // Who may not lower it has what the executor has.
    expect(first(compile({}))).toMatchObject({ op: 'write_file_optional', path: '/proc/self/oom_score_adj', data: Buffer.from('0') });
  }
});

test('of a read-only root the working directory is made before it is read-only', () => {
  const order = operations({ readOnlyRoot: true });
  expect(order.indexOf('chdir')).toBeLessThan(order.indexOf('readonly_root'));
  expect(order.indexOf('pivot_root')).toBeLessThan(order.indexOf('chdir'));
});

test('on the host\'s network no network namespace is made or joined', () => {
  const { sandboxPath: _, ...without } = host;
  const hostPlan = compilePlan(buildSpec({ ...plain, network: { mode: 'host' } }, without), run);
  expect(hostPlan.steps.some(({ op }) => op === 'join_namespace')).toBe(false);
  expect(hostPlan.settings.namespaces & 0x40000000).toBe(0);
});

test('a /dev of the user is left as it is', () => {
  const order = operations({ mounts: [{ type: 'bind', source: '/dev', target: '/dev', readOnly: false, propagation: '' }] });
  expect(order).not.toContain('make_node');
  expect(order.filter((op) => op === 'make_symlink').length).toBe(2); // of cgroups
});

test('propagation and attributes of a bind become numbers', () => {
  const [bind] = plan({ mounts: [{ type: 'bind', source: '/s', target: '/t', readOnly: true, propagation: 'rslave' }] }).steps.filter((step) => step.op === 'bind_mount' && step.target === '/t');
  expect(bind).toMatchObject({ recursive: true, readonly: true, propagation: (1 << 19) | 0x4000, attributes: 0 });
});

test('a part of a volume, and a bind that is read-only alone, are steps of their own', () => {
  const mounts = [
    { type: 'volume', name: 'v', source: '/data/v', subpath: 'a/b', target: '/part', readOnly: true, propagation: '' },
    { type: 'bind', source: '/s', target: '/alone', readOnly: true, readOnlyBelow: 'never', propagation: 'rprivate' },
    { type: 'bind', source: '/s', target: '/all', readOnly: true, readOnlyBelow: 'always', propagation: 'rprivate' },
  ] as const;
  const bindsOf = (steps: ReturnType<typeof mappedSteps>) => steps.flatMap((step) => (step.op === 'bind_part' || step.op === 'part_tree' ? [step] : []));
  expect(bindsOf(plan({ mounts }).steps)).toMatchObject([{ op: 'bind_part', source: '/data/v', below: 'a/b', target: '/part', readonly: true, alone: false }, { source: '/s', below: '', target: '/alone', readonly: true, alone: true }]);
  expect(bindsOf(mappedSteps({ mounts }))).toMatchObject([{ op: 'part_tree', below: 'a/b', mapped: true }, { below: '', alone: true, mapped: false }]);
  expect(plan({ mounts }).steps.find((step) => step.op === 'bind_mount' && step.target === '/all')).toMatchObject({ readonly: true, recursive: true });
});

/** As the executor has them open. */
const joinedProcesses = { pidNamespace: '/proc/1/fd/77', mountNamespace: '/proc/1/fd/78' };
const joinedIpc = { ipcNamespace: '/proc/1/fd/79', mountNamespace: '/proc/1/fd/78' };

test('among another container\'s processes it comes last, when it has left the host and still may; procfs is the other\'s', () => {
  const joined = compilePlan(buildSpec(plain, { ...host, joinedProcesses }), run);
  const order = joined.steps.map(({ op }) => op);
  expect(joined.settings.namespaces & 0x20000000).toBe(0);
  expect(joined.steps.find(({ op }) => op === 'hold_pid_namespace')).toMatchObject({ actor: 'parent', path: '/proc/1/fd/77' });
  expect(joined.steps.find(({ op }) => op === 'join_task')).toMatchObject({ actor: 'child', flags: 0x20000000 });
  expect(order.indexOf('join_task')).toBeGreaterThan(order.indexOf('pivot_root'));
  for (const later of ['set_user', 'seccomp', 'capabilities', 'exec'] as const) expect(order.indexOf(later), later).toBeGreaterThan(order.indexOf('join_task'));
  expect(joined.steps.filter(({ op }) => op === 'share_mount')).toEqual([
    { op: 'share_mount', actor: 'child', from: 'mounts[0]', mountNamespace: '/proc/1/fd/78', pidNamespace: '/proc/1/fd/77', source: '/proc', target: '/proc', attributes: 2 | 4 | 8 },
  ]);
  expect(joined.steps.some((step) => step.op === 'mount_fs' && step.type === 'proc')).toBe(false);
});

test('with another container\'s IPC it has that one\'s /dev/shm, and message queues after it has joined', () => {
  const joined = compilePlan(buildSpec(plain, { ...host, joinedIpc }), run);
  expect(joined.settings.namespaces & 0x8000000).toBe(0);
  const at = (wanted: (step: (typeof joined.steps)[number]) => boolean): number => joined.steps.findIndex(wanted);
  const join = at((step) => step.op === 'join_namespace' && step.path === '/proc/1/fd/79');
  expect(join).toBeGreaterThanOrEqual(0);
  expect(at((step) => step.op === 'mount_fs' && step.type === 'mqueue')).toBeGreaterThan(join);
  expect(joined.steps.filter((step) => 'target' in step && step.target === '/dev/shm')).toMatchObject([{ op: 'share_mount', mountNamespace: '/proc/1/fd/78', pidNamespace: '', source: '/dev/shm' }]);
  const own = compilePlan(buildSpec({ ...plain, mounts: [{ type: 'tmpfs', source: '', target: '/dev/shm', readOnly: false, propagation: '' }] }, { ...host, joinedIpc }), run);
  expect(own.steps.some(({ op }) => op === 'share_mount')).toBe(false); // the user's stands in for it
});

test('what the executor holds open is opened before a user namespace is entered, whose root may not; a procfs still goes on no symlink', () => {
  const { steps } = compilePlan(buildSpec(plain, { ...mapped, joinedProcesses, joinedIpc }), run);
  const entered = steps.findIndex(({ op }) => op === 'enter_user_namespace');
  expect(steps.slice(entered).filter((step) => step.actor === 'child' && JSON.stringify(step, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).includes('/proc/1/fd/'))).toEqual([]);
  const [procfs, memory] = steps.filter(({ op }) => op === 'shared_tree');
  expect([procfs, memory]).toMatchObject([{ mountNamespace: '/proc/1/fd/78', pidNamespace: '/proc/1/fd/77', source: '/proc' }, { mountNamespace: '/proc/1/fd/78', pidNamespace: '', source: '/dev/shm' }]);
  expect(steps.slice(entered).filter(({ op }) => op === 'attach_shared')).toMatchObject([{ target: '/proc', procfs: true }, { target: '/dev/shm', procfs: false }]);
});

test('in a user namespace the host\'s root does what nobody else may, and before the container can see it', () => {
  const steps = mappedSteps({ oomScoreAdj: -5, mounts: [{ type: 'bind', source: '/s', target: '/t', readOnly: true, propagation: '' }] });
  const entered = steps.findIndex(({ op }) => op === 'enter_user_namespace');
  const [before, inside] = [steps.slice(0, entered), steps.slice(entered)].map((part) => new Set<string>(part.map(({ op }) => op)));
  for (const op of ['join_namespace', 'write_file', 'stage', 'overlay_tree', 'bind_tree', 'node_tree', 'own_stdio']) {
    expect(before, op).toContain(op);
    expect(inside, op).not.toContain(op);
  }
  for (const op of ['bind_mount', 'make_node', 'overlay_root']) expect(inside, op).not.toContain(op);
});

test('the overlay of the root has the options that it was prepared with, in a user namespace or not', () => {
  const root = { overlay: { baseDirectory: '/data/layers', lower: ['a'], upper: '/data/c/diff', work: '/data/c/work', options: 'metacopy=off' } };
  for (const of of [host, mapped]) {
    const { steps } = compilePlan(buildSpec(plain, { ...of, root }), run);
    expect(steps.find(({ op }) => op === 'overlay_tree' || op === 'overlay_root')).toMatchObject({ options: 'metacopy=off' });
  }
});

test('each tree is put in its place, the root first', () => {
  const steps = mappedSteps();
  const trees = steps.filter(({ op }) => op === 'overlay_tree' || op === 'bind_tree' || op === 'node_tree');
  const places = steps.flatMap((step) => (step.op === 'attach_root' || step.op === 'attach_tree' ? [step] : []));
  expect(places.map(({ tree }) => tree)).toEqual([...trees.keys()]);
  expect(places[0]?.op).toBe('attach_root');
  expect(steps.find((step) => step.op === 'stage')).toMatchObject({ trees: trees.length });
  expect(places.map(({ from }) => from)).toEqual(trees.map(({ from }) => from));
});

test('what the engine keeps is mounted with the container\'s ids, what the host has is not', () => {
  const mount = { readOnly: false, propagation: '' } as const;
  const steps = mappedSteps({ mounts: [{ type: 'volume', name: 'v', source: '/data/v', target: '/v', ...mount }, { type: 'bind', source: '/s', target: '/s', ...mount }] });
  const mappedOf = (source: string) => steps.flatMap((step) => (step.op === 'bind_tree' && step.source === source ? [step.mapped] : []));
  expect(['/data/v', '/s', '/data/c/hosts', '/sys/fs/cgroup/memory/berth/c'].map(mappedOf)).toEqual([[true], [false], [true], [false]]);
});

test('a whole copy as the root has the container\'s ids, too', () => {
  const steps = compilePlan(buildSpec(plain, { ...mapped, root: { directory: '/data/c/root' } }), run).steps;
  expect(steps.find((step) => step.op === 'bind_tree')).toMatchObject({ source: '/data/c/root', mapped: true });
});

test('a node belongs to whom it does in there, or to its root', () => {
  const device = { path: '/dev/x', type: 'b', major: 7, minor: 0, fileMode: 0o660, uid: 3, gid: 70000 } as const;
  const spec = buildSpec(plain, { ...mapped, askedDevices: [{ device, access: 'rwm' }] });
  expect(compilePlan(spec, run).steps).toContainEqual(expect.objectContaining({ op: 'node_tree', major: 7, uid: 100003, gid: 200000 }));
});

test('the AppArmor profile is told before anything else is done, while the host\'s /proc is there', () => {
  const confined = { ...mapped, apparmorProfile: 'mine' };
  const exec = { process: plain.process, security: plain.security, privileged: false, ulimits: [], initPid: 9, cgroupDirectories, tickets: [] };
  const plans = [compilePlan(buildSpec(plain, { ...host, apparmorProfile: 'mine' }), run), compilePlan(buildSpec(plain, confined), run), compileExecPlan({ ...exec, apparmorProfile: 'mine' }), compileExecPlan({ ...exec, ids, apparmorProfile: 'mine' })];
  for (const { steps } of plans) {
    expect(steps.find(({ actor }) => actor === 'child')).toEqual({ op: 'write_file', actor: 'child', from: 'process.apparmorProfile', path: '/proc/self/attr/apparmor/exec', data: Buffer.from('exec mine') });
  }
  expect(plan().steps.some(({ from }) => from === 'process.apparmorProfile')).toBe(false);
});
