import { type BerthError, invalid, unclassified } from '#libs/errors/errors.js';

/** Texts of a container's own files; "" where it has none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** setgroups(2), NGROUPS_MAX */
const MOST_GROUPS = 65_536;
const LARGEST_ID = 2 ** 32 - 2;
/** Docker's, of what is asked for by number. */
const LARGEST_ASKED = 2 ** 31 - 1;

/**
 * Docker's `user[:group]` as numbers, by the container's own files; "" is root. The shim's passwd.c has the same rules: numeric means numeric, a group given takes
 * the place of memberships, `groups` (names or numbers) come on top. Throws `invalid` for what is not there.
 */
export function containerUser(user: string, groups: readonly string[], files: UserFiles): ContainerUser {
  const [who = '', group = ''] = splitOnce(user);
  const users = entries(files.passwd, 4).flatMap(([name = '', , uid = '', gid = '', , home = '']) => (isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : []));
  const all = entries(files.group, 3).flatMap(([name = '', , gid = '', members = '']) => (isId(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : []));
  const gidOf = (name: string): number => {
    if (/^\d+$/.test(name)) return idOf(name);
    const found = all.find((one) => one.name === name);
    if (!found) throw unclassified(`unable to find group ${name}: no matching entries in group file`);
    return found.gid;
  };
  const numeric = who === '' ? 0 : /^\d+$/.test(who) ? idOf(who) : undefined;
  const found = users.find(({ name, uid }) => (numeric === undefined ? name === who : uid === numeric));
  // A number below none is no name for whom Docker reads it.
  if (!found && /^-\d+$/.test(who)) throw outOfRange();
  if (!found && numeric === undefined) throw unclassified(`unable to find user ${who}: no matching entries in passwd file`);
  const uid = found?.uid ?? numeric ?? 0;
  const gid = group === '' ? (found?.gid ?? 0) : gidOf(group);
  const memberships = group === '' && found ? all.filter(({ members }) => members.includes(found.name)).map((one) => one.gid) : [];
  const additionalGids = [...new Set([...memberships, ...groups.map(gidOf), gid])];
  if (additionalGids.length > MOST_GROUPS) throw invalid(`a process cannot have ${additionalGids.length} groups`);
  const home = users.find((one) => one.uid === uid)?.home ?? '/';
  return { uid, gid, additionalGids, home: home.startsWith('/') ? home : '/' };
}

function splitOnce(user: string): readonly string[] {
  const colon = user.indexOf(':');
  return colon < 0 ? [user] : [user.slice(0, colon), user.slice(colon + 1)];
}

const entries = (text: string, fields: number): string[][] => text.split('\n').map((line) => line.split(':')).filter(({ length }) => length >= fields);
const outOfRange = (): BerthError => unclassified(`uids and gids must be in range 0-${LARGEST_ASKED}`);
const isId = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) <= LARGEST_ID;

function idOf(text: string): number {
  if (!isId(text) || Number(text) > LARGEST_ASKED) throw outOfRange();
  return Number(text);
}
