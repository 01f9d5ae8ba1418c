import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import type { PlanStep } from '../../services/executor/domain/plan/plan-table.js';
import { type TaskPaths, ShimBench, sh, tree } from '../../services/executor/shim/testing/shim-driver.js';
import { buildWeakenedShim, type Weakness } from '../fixtures/weakened-shim.js';
import { IN_ROOT } from './weaknesses.js';

const SHIM = fileURLToPath(new URL('../../native/berth-shim', import.meta.url));
const child = { actor: 'child', from: 'test' } as const;

interface Attack {
  readonly name: string;
  /** Without it the attack comes through. */
  readonly defence: Weakness;
  /** What the image has for it. */
  readonly prepare?: (lower: string) => void;
  readonly steps: (at: TaskPaths, secret: string) => readonly PlanStep[];
  /** Whether it came through, seen on the host and in what the container printed. */
  readonly succeeded: (secret: string, printed: string) => boolean;
}

/** Mistakes that some defences are there for: made with them and without them. */
const MISTAKES: readonly Weakness[] = [
  // The root of the host is left open.
  { file: 'birth.c', defence: 'at->null_fd = open_host_null(O_PATH);', without: 'at->null_fd = open_host_null(O_PATH);\n\tdup2(open("/", O_PATH | O_DIRECTORY), 99);' },
  // A working directory is found by a magic link.
  { file: 'steps_identity.c', defence: 'int found = open_in_root(at, op->path, O_PATH | O_DIRECTORY);', without: 'int found = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);' },
];

const userFile = (text: string) => (lower: string) => writeFileSync(join(lower, 'etc/passwd'), text);
const asUser = (user: string, script: string) => (at: TaskPaths): readonly PlanStep[] => [...tree(at), { ...child, op: 'set_user', user, extraGroups: [] }, sh(script)];
const ran = (_: string, printed: string): boolean => printed.includes('ran');

/** Made with paths below the root taken for the host's. */
const ofPaths: readonly Attack[] = [
  { name: 'a directory made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'mkdir_in_root', path: '/way/new', mode: 0o755, uid: 0, gid: 0 }]), sh('true')], succeeded: (secret) => existsSync(join(secret, 'new')) },
  { name: 'a node made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'make_node', target: '/way/node', type: 'p', mode: 0o644, major: 0, minor: 0, uid: 0, gid: 0 }]), sh('true')], succeeded: (secret) => existsSync(join(secret, 'node')) },
  { name: 'a link made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'make_symlink', target: 'anywhere', link: '/way/link' }]), sh('true')], succeeded: (secret) => readdirSync(secret).includes('link') },
];

const ofAllElse: readonly Attack[] = [
  { name: 'procfs mounted where a symlink of the image leads', defence: { file: 'steps_mount.c', defence: '&& !is_plain_directory(at, path))', without: '&& !is_plain_directory(at, "/"))' }, steps: (at) => [...tree(at, [{ ...child, op: 'mount_fs', type: 'proc', source: 'proc', target: '/elsewhere', flags: 14, data: '' }]), sh('ls /target/self')], succeeded: (_, printed) => printed.includes('mountinfo') },
  {
    name: 'the root of the host by a descriptor that a mistake left open',
    defence: { file: 'steps_identity.c', defence: 'if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)\n\t\treturn -errno;', without: '' },
    steps: (at, secret) => [...tree(at), sh(`for fd in /proc/self/fd/*; do cat "$fd${secret}/file"; done 2>/dev/null`)],
    succeeded: (_, printed) => printed.includes('secret\n'),
  },
  {
    name: 'a working directory outside of the root, by such a descriptor',
    defence: { file: 'steps_identity.c', defence: "return where[0] == '/' ? 0 : -EXDEV;", without: 'return 0;' },
    steps: (at, secret) => [...tree(at), { ...child, op: 'chdir', path: '/proc/self/fd/99', create: false }, sh(`cat .${secret}/file`)],
    succeeded: (_, printed) => printed.includes('secret\n'),
  },
  {
    name: 'something else in the place of procfs, by a symlink of the image',
    defence: { file: 'steps_mount.c', defence: 'if (is_procfs_root(target) && !is_procfs_root(tree))', without: 'if (!is_procfs_root(target) && is_procfs_root(tree))' },
    prepare: (lower) => symlinkSync('/proc', join(lower, 'kernel')),
    steps: (at, secret) => [...tree(at, [{ ...child, op: 'bind_mount', source: secret, target: '/kernel', recursive: true, readonly: false, propagation: 0, attributes: 0 }]), sh('cat /proc/file')],
    succeeded: (_, printed) => printed.includes('secret\n'),
  },
  {
    name: 'a question to the kernel in the place of /etc/passwd',
    defence: { file: 'passwd.c', defence: 'return file_system.f_type != PROC_SUPER_MAGIC && file_system.f_type != SYSFS_MAGIC;', without: 'return 1;' },
    prepare: (lower) => {
      rmSync(join(lower, 'etc/passwd'));
      symlinkSync('/proc/sys/kernel/hostname', join(lower, 'etc/passwd'));
    },
    steps: (at) => [...tree(at), { ...child, op: 'set_hostname', name: 'evil:x:77:5::/:' }, { ...child, op: 'set_user', user: 'evil', extraGroups: [] }, sh('echo ran')],
    succeeded: ran,
  },
  {
    name: 'an /etc/passwd of more than a megabyte',
    defence: { file: 'passwd.c', defence: 'if (file.st_size > FILE_LIMIT)\n\t\treturn -EFBIG;', without: '' },
    prepare: userFile('x'.repeat(2 << 20)),
    steps: asUser('0', 'echo ran'),
    succeeded: ran,
  },
  {
    name: 'a user whose id is that of no change (setresuid(2), -1)',
    defence: { file: 'passwd.c', defence: 'if (value > 0xfffffffe)\n\t\t\treturn false;', without: '' },
    prepare: userFile('evil:x:4294967295:5::/:/bin/sh\n'),
    steps: asUser('evil', 'grep ^Uid: /proc/self/status'),
    succeeded: (_, printed) => printed.includes('Uid:\t0\t0'),
  },
];

/** Carries the attack out; what the container printed. A start that is refused printed nothing. */
async function carryOut(shim: string, attack: Attack, secret: string): Promise<string> {
  await using bench = await ShimBench.open(shim);
  const lower = join(bench.directory, 'lower');
  symlinkSync(secret, join(lower, 'way'));
  mkdirSync(join(lower, 'target'));
  symlinkSync('/target', join(lower, 'elsewhere'));
  attack.prepare?.(lower);
  const task = await bench.run('attack', (at) => attack.steps(at, secret));
  const ended = await task.control.next('started').then(() => task.control.next('exited'), () => undefined);
  const printed = ended ? (await task.log()).map(({ log }) => log).join('') : '';
  await task.acknowledge();
  return printed;
}

async function comesThrough(shim: string, attack: Attack): Promise<boolean> {
  const secret = mkdtempSync('/var/tmp/berth-secret-');
  writeFileSync(join(secret, 'file'), 'secret\n');
  try {
    const printed = await carryOut(shim, attack, secret);
    return attack.succeeded(secret, printed);
  } finally {
    rmSync(secret, { recursive: true });
  }
}

const built: string[] = [];
afterAll(() => {
  for (const directory of built) rmSync(directory, { recursive: true });
});

async function shimWith(weaknesses: readonly Weakness[]): Promise<string> {
  const { shim, directory } = await buildWeakenedShim(weaknesses);
  built.push(directory);
  return shim;
}

/** What of a list is defended against is open to all of it at the same time, and in the way of none. */
describe.each([
  ['of paths', [], ofPaths],
  ['of all else', MISTAKES, ofAllElse],
] as const)('attacks %s fail, and would not without their defences', (_, mistakes, attacks) => {
  let whole: string;
  let weak: string;
  beforeAll(async () => {
    whole = mistakes.length === 0 ? SHIM : await shimWith(mistakes);
    weak = await shimWith([...mistakes, ...new Set(attacks.map(({ defence }) => defence))]);
  }, patience(180_000));

  test.each(attacks)('$name', async (attack) => {
    expect(await comesThrough(whole, attack)).toBe(false);
    expect(await comesThrough(weak, attack)).toBe(true);
  }, patience(180_000));
});
