import type { TaskSecurity } from '#contracts/executor/tasks.js';
import { compileSeccomp } from './compile-seccomp.js';
import { DEFAULT_PROFILE } from './default-profile.js';
import { parseProfile } from './profile.js';

/** Filters of the default profile by capabilities: starts differ in few ways, and compiling takes milliseconds. */
const compiled = new Map<string, Uint8Array>();
const KEPT = 32;

/**
 * The filter a container or an exec runs under; undefined: none, for privileged and unconfined ones. Throws `invalid` for a profile of the user's
 * that cannot be read.
 */
export function containerFilter({ privileged, seccomp }: Pick<TaskSecurity, 'privileged' | 'seccomp'>, capabilities: readonly string[]): Uint8Array | undefined {
  if (privileged || seccomp === 'unconfined') return undefined;
  if (seccomp !== 'default' && seccomp !== '') return compileSeccomp(parseProfile(seccomp), capabilities);
  const key = capabilities.toSorted().join();
  const known = compiled.get(key);
  if (known) return known;
  if (compiled.size >= KEPT) compiled.clear();
  const program = compileSeccomp(DEFAULT_PROFILE, capabilities);
  compiled.set(key, program);
  return program;
}
