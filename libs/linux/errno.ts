import { constants } from 'node:os';

/** The first name of a number wins: EAGAIN, not EWOULDBLOCK. */
const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) if (!NAMES.has(number)) NAMES.set(number, name);
/** What node:os leaves out and the calls of this library return (errno(3)). */
for (const [name, number] of Object.entries({ EBADR: 53, ENOTUNIQ: 76, EUCLEAN: 117, EREMOTEIO: 121, ESTALE: 116, EDQUOT: 122 })) {
  if (!NAMES.has(number)) NAMES.set(number, name);
}

/** "ENOENT" of 2; "errno 999" of a number without a name. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}
