import { invalid } from '#libs/errors/errors.js';

/** Docker's, of what is asked for by number. */
const LARGEST_ASKED = 2 ** 31 - 1;

/** Whether the container's own files alone tell who `user[:group]` is. Throws, as dockerd does, for a number that is too large. */
export function isByName(user: string): boolean {
  const [, ...numbers] = /^(\d*)(?::(\d*))?$/.exec(user) ?? [];
  if (numbers.length === 0) return true;
  if (numbers.some((number = '') => Number(number) > LARGEST_ASKED)) throw invalid(`uids and gids must be in range 0-${LARGEST_ASKED}`);
  return false;
}
