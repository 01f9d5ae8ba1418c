import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodePlan, planOf } from '../domain/plan/encode-plan.js';
import type { PlanSettings, PlanStep } from '../domain/plan/plan-table.js';
import { rightsSteps } from '../domain/plan/process-steps.js';
import { compileSeccomp } from '../domain/seccomp/compile-seccomp.js';
import { parseProfile } from '../domain/seccomp/profile.js';
import { finish } from './testing/finish.js';
import { attach, defaults, demultiplex, exec, sh, text, tree, u32 } from './testing/shim-driver.js';
import { bench, child, ticket, useShimBench } from './testing/use-shim-bench.js';

useShimBench();

const execSettings: PlanSettings = { ...defaults, namespaces: 0 };
const join_ = (steps: PlanStep[]): PlanStep[] => [
  { ...child, op: 'join_task', flags: 0x20000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000 },
  ...steps,
];

describe('a filter forbids all but what the command itself calls', () => {
  const OWN = ['execve', 'arch_prctl', 'brk', 'exit_group', 'getegid', 'geteuid', 'getgid', 'getrandom', 'getuid', 'mprotect', 'prlimit64', 'readlinkat', 'readlink', 'rseq', 'set_robust_list', 'set_tid_address', 'setgid', 'setuid', 'write', 'writev'];
  const rights = (noNewPrivileges: boolean, defaultAction: string, names: readonly string[]): readonly PlanStep[] => {
    const filter = compileSeccomp(parseProfile(JSON.stringify({ defaultAction, syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] })), []);
    const capabilities = ['CAP_CHOWN', 'CAP_KILL'] as const;
    return rightsSteps({ user: 'sam', groups: [], capabilities: { bounding: capabilities, effective: [], permitted: capabilities, inheritable: capabilities, ambient: ['CAP_KILL'] }, noNewPrivileges, filter });
  };
  const ERRNO = 'SCMP_ACT_ERRNO';
  const KILL = 'SCMP_ACT_KILL_PROCESS';
  /** Without no_new_privs the filter needs CAP_SYS_ADMIN, which goes after it. Busybox itself calls some more, and does without where it is told so. */
  const ways = [true, false].flatMap((noNewPrivileges) => [ERRNO, KILL].map((action) => ({ noNewPrivileges, action, own: [...OWN, ...(noNewPrivileges ? [] : ['capset']), ...(action === KILL ? ['prctl', 'fstat', 'newfstatat'] : [])] })));

  test.each(ways)('$action, no new privileges: $noNewPrivileges: container and exec run', async ({ noNewPrivileges, own, action }) => {
    const steps = rights(noNewPrivileges, action, own);
    const name = `strict-${action}-${noNewPrivileges}`;
    const task = await bench.run(name, (at) => [...tree(at), exec('sleep', '1000')]);
    await task.control.next('started');
    const plan = encodePlan(planOf({ ...execSettings, tickets: [`${ticket}:oe`] }, join_([...steps, exec('echo', 'hi')])));
    task.control.send(4, text('exec-1'), u32(plan.length), Buffer.from(plan));
    await task.control.next('started', 'exec-1');
    expect(demultiplex(await attach(join(task.directory, 'shim.sock'), ticket))).toEqual({ 1: 'hi\n' });
    expect(await task.control.next('exited', 'exec-1')).toMatchObject({ code: 0 });
    task.control.send(6, text('exec-1'));
    task.control.send(2, u32(9));
    await task.control.next('exited');
    await finish(task);
    const own_ = await bench.run(`${name}-own`, (at) => [...tree(at), ...steps, exec('echo', 'hi')]);
    await own_.control.next('started');
    expect(await own_.control.next('exited')).toMatchObject({ code: 0 });
    expect((await own_.log()).map(({ log }) => log)).toEqual(['hi\n']);
    await finish(own_);
  });

  test.each([true, false])('no new privileges: %s: the command has the rights that were asked for', async (noNewPrivileges) => {
    const task = await bench.run(`filtered-${noNewPrivileges}`, (at) => [...tree(at), ...rights(noNewPrivileges, 'SCMP_ACT_ALLOW', ['read']), sh('grep -E "^(Cap|Seccomp:|NoNew)" /proc/self/status')]);
    await task.control.next('exited');
    const status = Object.fromEntries((await task.log()).map(({ log }) => log.trim().split(/:\s+/) as [string, string]));
    const [both, kill] = ['0000000000000021', '0000000000000020'];
    expect(status).toEqual({ CapInh: both, CapPrm: kill, CapEff: kill, CapBnd: both, CapAmb: kill, Seccomp: '2', NoNewPrivs: noNewPrivileges ? '1' : '0' });
    await finish(task);
  });

  test('what has no right to be given up fails its step, and so does a command that is not there', async () => {
    const kept = await bench.run('strict-capset', (at) => [...tree(at), ...rights(false, ERRNO, OWN), exec('echo', 'hi')]);
    expect(await kept.control.next('failed')).toMatchObject({ step: 10, errno: 1 });
    await finish(kept);
    const missing = await bench.run('strict-missing', (at) => [...tree(at), ...rights(true, KILL, OWN), exec('no-such-command')]);
    expect(await missing.control.next('failed')).toMatchObject({ step: 12, errno: 2 });
    await finish(missing);
  });
});
