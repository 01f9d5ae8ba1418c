import { posix } from 'node:path';
import { invalid } from '#libs/errors/errors.js';

/**
 * The cgroup that `--cgroup-parent` means, as a path from the top; "" is the top itself. As runc's cgroupfs driver reads it: "a" and "/a" are one, and `..` leads no further
 * than the top. Undefined: none was asked for. Throws invalid for a name that the kernel cannot show in one line.
 */
export function cgroupParentOf(asked: string | undefined): string | undefined {
  if (!asked) return undefined;
  if (/[\0-\x1f\x7f]/.test(asked)) throw invalid(`invalid cgroup parent: ${JSON.stringify(asked)}`);
  return posix.join('/', asked).replace(/\/$/, '');
}
