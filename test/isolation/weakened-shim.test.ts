import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { PlanStep } from '../../services/executor/domain/plan/plan-table.js';
import { type TaskPaths, ShimBench, sh, tree } from '../../services/executor/shim/shim-driver.js';
import { buildWeakenedShim, type Weakness } from '../fixtures/weakened-shim.js';

const SHIM = fileURLToPath(new URL('../../native/berth-shim', import.meta.url));
const child = { actor: 'child', from: 'test' } as const;

interface Attack {
  readonly name: string;
  /** Without it the attack comes through. */
  readonly defence: Weakness;
  readonly steps: (at: TaskPaths, secret: string) => readonly PlanStep[];
  /** Whether it came through, seen on the host and in what the container printed. */
  readonly succeeded: (secret: string, printed: string) => boolean;
}

const IN_ROOT: Weakness = { file: 'in_root.c', defence: '.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };', without: '.resolve = 0 };\n\tpath += strspn(path, "/");\n\tif (!*path)\n\t\tpath = ".";' };
const attacks: readonly Attack[] = [
  { name: 'a directory made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'mkdir_in_root', path: '/way/new', mode: 0o755, uid: 0, gid: 0 }]), sh('true')], succeeded: (secret) => existsSync(join(secret, 'new')) },
  { name: 'a node made through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'make_node', target: '/way/node', type: 'p', mode: 0o644, major: 0, minor: 0, uid: 0, gid: 0 }]), sh('true')], succeeded: (secret) => existsSync(join(secret, 'node')) },
  { name: 'a file written through a symlink of the image', defence: IN_ROOT, steps: (at) => [...tree(at, [{ ...child, op: 'write_in_root', path: '/way/file', mode: 0o644, uid: 0, gid: 0, data: Buffer.from('written') }]), sh('true')], succeeded: (secret) => readFileSync(join(secret, 'file'), 'utf8') === 'written' },
  { name: 'procfs mounted where a symlink of the image leads', defence: { file: 'steps_mount.c', defence: '&& !is_plain_directory(at, op->target))', without: '&& !is_plain_directory(at, "/"))' }, steps: (at) => [...tree(at, [{ ...child, op: 'mount_fs', type: 'proc', source: 'proc', target: '/elsewhere', flags: 14, data: '' }]), sh('ls /target/self')], succeeded: (_, printed) => printed.includes('mountinfo') },
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

const weakened = new Map<Weakness, Awaited<ReturnType<typeof buildWeakenedShim>>>();
afterAll(() => {
  for (const { directory } of weakened.values()) rmSync(directory, { recursive: true });
});

test.each(attacks)('$name fails, and would not without its defence', async (attack) => {
  expect(await comesThrough(SHIM, attack)).toBe(false);
  const weak = weakened.get(attack.defence) ?? (await buildWeakenedShim([attack.defence]));
  weakened.set(attack.defence, weak);
  expect(await comesThrough(weak.shim, attack)).toBe(true);
}, 60_000);
