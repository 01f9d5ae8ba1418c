import { closeSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newUserNamespace, type UserNamespace } from '#libs/linux/user-namespace.js';
import { encodePlan, planOf } from '../domain/plan/encode-plan.js';
import type { PlanSettings, PlanStep } from '../domain/plan/plan-table.js';
import { inUserNamespace } from '../domain/plan/user-namespace-steps.js';
import { finish } from './testing/finish.js';
import { attach, defaults, demultiplex, exec, sh, text, tree, u32 } from './testing/shim-driver.js';
import type { TaskPaths } from './testing/shim-driver.js';
import { bench, child, ticket, useShimBench } from './testing/use-shim-bench.js';

useShimBench();

const execSettings: PlanSettings = { ...defaults, namespaces: 0 };

describe('a user namespace', () => {
  const first = 100_000;
  const map = [{ inside: 0, outside: first, size: 65_536 }];
  const settings = { namespaces: 0x20000 };
  let namespace: UserNamespace;
  beforeAll(() => void (namespace = newUserNamespace(`0 ${first} 65536\n`, `0 ${first} 65536\n`)));
  afterAll(() => {
    closeSync(namespace.user);
    closeSync(namespace.network);
  });
  const entered = (at: TaskPaths, steps: readonly PlanStep[]): readonly PlanStep[] =>
    inUserNamespace([{ ...child, op: 'join_namespace', path: `/proc/${process.pid}/fd/${namespace.network}`, flag: 0x40000000 }, ...steps], {
      path: `/proc/${process.pid}/fd/${namespace.user}`, from: 'test', ids: { uids: map, gids: map }, flags: 0x20000 | 0x4000000 | 0x8000000 | 0x20000000, target: join(at.directory, 'root'),
      isMapped: (from) => from === 'mapped',
    });

  test('its root is another\'s on the host, files are on the disk as in there, and sources that it could not reach are mounted', async () => {
    const volume = join(bench.directory, 'volume');
    mkdirSync(volume, { mode: 0o700 });
    writeFileSync(join(volume, 'file'), 'in it');
    const mounts = [
      { ...child, op: 'bind_mount', from: 'mapped', source: volume, target: '/volume', recursive: true, readonly: false, propagation: 0, attributes: 0 },
      { ...child, op: 'bind_mount', source: volume, target: '/plain', recursive: true, readonly: true, propagation: 0, attributes: 0 },
      { ...child, op: 'make_node', target: '/dev/null', type: 'c', mode: 0o666, major: 1, minor: 3, uid: 0, gid: 0 },
      { ...child, op: 'mask_path', path: '/proc/version' },
    ] as const;
    const script = 'echo $$; id -u; hostname; cat /volume/file; echo; ls /plain 2>&1; echo x > /dev/null && echo > /volume/mine && echo > /made; cat /proc/version; echo done; exec sleep 1000';
    const task = await bench.run('userns', (at) => entered(at, [...tree(at, mounts), sh(script)]), settings);
    const { pid } = await task.control.next('started');
    while (!(await task.log()).some(({ log }) => log === 'done\n')) await new Promise((resolve) => setImmediate(resolve));
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\t${first}\\t${first}`, 'm'));
    expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).not.toContain(' /merged ');
    expect(readlinkSync(`/proc/${pid}/ns/user`)).toContain(String(statSync(`/proc/self/fd/${namespace.user}`).ino));
    task.control.send(2, u32(9));
    await task.control.next('exited');
    const lines = (await task.log()).map(({ log }) => log.trim());
    expect(lines.slice(0, 4)).toEqual(['1', '0', 'harbour', 'in it']);
    expect(lines.some((line) => /Permission denied/.test(line))).toBe(true); // the host's own, which is nobody's in there
    for (const made of [join(volume, 'mine'), join(task.directory, 'upper/made')]) expect(statSync(made)).toMatchObject({ uid: 0, gid: 0 });
    await finish(task);
  });

  test('an exec is root in there too, and may not be seen before it has no more than that', async () => {
    const task = await bench.run('userns-exec', (at) => entered(at, [...tree(at), exec('sleep', '1000')]), settings);
    await task.control.next('started');
    const plan = encodePlan(planOf({ ...execSettings, tickets: [`${ticket}:oe`] }, [
      { ...child, op: 'own_stdio', uid: first, gid: first },
      { ...child, op: 'join_task', flags: 0x10000000 | 0x20000 | 0x4000000 | 0x8000000 | 0x20000000 | 0x40000000 },
      { ...child, op: 'set_user', user: 'sam', extraGroups: [] },
      { ...child, op: 'capabilities', bounding: 0, effective: 0, permitted: 0, inheritable: 0, ambient: 0 },
      sh('id -u; head -n 1 /proc/self/uid_map; echo again > /proc/self/fd/1; set -- /proc/[0-9]*; echo $#'),
    ]));
    task.control.send(4, text('exec-1'), u32(plan.length), Buffer.from(plan));
    await task.control.next('started', 'exec-1');
    const streams = demultiplex(await attach(join(task.directory, 'shim.sock'), ticket));
    expect(streams[1]?.split(/\s+/)).toEqual(['1234', '0', String(first), '65536', 'again', '2', '']);
    task.control.send(6, text('exec-1'));
    task.control.send(2, u32(9));
    await task.control.next('exited');
    await finish(task);
  });

  test.each<[string, (at: TaskPaths) => readonly PlanStep[], number]>([
    ['a path that leads to none', ({ directory }) => [{ ...child, op: 'open_user_namespace', path: directory }], 22],
    ['trees without a stage', () => [{ ...child, op: 'node_tree', type: 'c', mode: 0o666, major: 1, minor: 3, uid: 0, gid: 0 }], 22],
    ['a tree that is not there', () => [{ ...child, op: 'attach_root', tree: 0 }], 22],
    ['ids of none', ({ directory }) => [{ ...child, op: 'stage', target: join(directory, 'root'), trees: 1 }, { ...child, op: 'bind_tree', source: directory, recursive: false, readonly: false, propagation: 0, attributes: 0, mapped: true }], 22],
    ['more trees than were said', ({ directory }) => [{ ...child, op: 'stage', target: join(directory, 'root'), trees: 0 }, { ...child, op: 'bind_tree', source: directory, recursive: false, readonly: false, propagation: 0, attributes: 0, mapped: false }], 22],
    ['to enter none', () => [{ ...child, op: 'enter_user_namespace', flags: 0x20000 }], 22],
  ])('%s: the step fails', async (name, steps, errno) => {
    const task = await bench.run(name.replaceAll(/\W/g, '-'), (at) => [{ ...child, op: 'private_propagation' }, ...steps(at), sh('true')], settings);
    expect(await task.control.next('failed')).toMatchObject({ errno });
    await finish(task);
  });
});
