import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
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
  /** A mistake that the defence is there for: made with it and without it. */
  readonly mistake?: Weakness;
  readonly steps: (at: TaskPaths, secret: string) => readonly PlanStep[];
  /** Whether it came through, seen on the host and in what the container printed. */
  readonly succeeded: (secret: string, printed: string) => boolean;
}

const attacks: readonly Attack[] = [
  { name: 'a directory made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'mkdir_in_root', path: '/way/new', mode: 0o755, uid: 0, gid: 0 }]), sh('true')], succeeded: (secret) => existsSync(join(secret, 'new')) },
  { name: 'a node made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'make_node', target: '/way/node', type: 'p', mode: 0o644, major: 0, minor: 0, uid: 0, gid: 0 }]), sh('true')], succeeded: (secret) => existsSync(join(secret, 'node')) },
  { name: 'a link made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'make_symlink', target: 'anywhere', link: '/way/link' }]), sh('true')], succeeded: (secret) => readdirSync(secret).includes('link') },
  { name: 'procfs mounted where a symlink of the image leads', defence: { file: 'steps_mount.c', defence: '&& !is_plain_directory(at, path))', without: '&& !is_plain_directory(at, "/"))' }, steps: (at) => [...tree(at, [{ ...child, op: 'mount_fs', type: 'proc', source: 'proc', target: '/elsewhere', flags: 14, data: '' }]), sh('ls /target/self')], succeeded: (_, printed) => printed.includes('mountinfo') },
  {
    name: 'the root of the host by a descriptor that a mistake left open',
    mistake: { file: 'birth.c', defence: 'at->null_fd = open_host_null(O_PATH);', without: 'at->null_fd = open_host_null(O_PATH);\n\topen("/", O_PATH | O_DIRECTORY);' },
    defence: { file: 'steps_identity.c', defence: 'if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)\n\t\treturn -errno;', without: '' },
    steps: (at, secret) => [...tree(at), sh(`for fd in /proc/self/fd/*; do cat "$fd${secret}/file"; done 2>/dev/null`)],
    succeeded: (_, printed) => printed.includes('secret\n'),
  },
];

/** Carries the attack out; what the container printed. A start that is refused printed nothing. */
async function carryOut(shim: string, attack: Attack, secret: string): Promise<string> {
  await using bench = await ShimBench.open(shim);
  const lower = join(bench.directory, 'lower');
  symlinkSync(secret, join(lower, 'way'));
  mkdirSync(join(lower, 'target'));
  symlinkSync('/target', join(lower, 'elsewhere'));
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

const built = new Map<string, Awaited<ReturnType<typeof buildWeakenedShim>>>();
afterAll(() => {
  for (const { directory } of built.values()) rmSync(directory, { recursive: true });
});

async function shimWith(weaknesses: readonly Weakness[]): Promise<string> {
  if (weaknesses.length === 0) return SHIM;
  const key = JSON.stringify(weaknesses);
  const shim = built.get(key) ?? (await buildWeakenedShim(weaknesses));
  built.set(key, shim);
  return shim.shim;
}

test.each(attacks)('$name fails, and would not without its defence', async (attack) => {
  const mistakes = attack.mistake ? [attack.mistake] : [];
  expect(await comesThrough(await shimWith(mistakes), attack)).toBe(false);
  expect(await comesThrough(await shimWith([...mistakes, attack.defence]), attack)).toBe(true);
}, 60_000);
