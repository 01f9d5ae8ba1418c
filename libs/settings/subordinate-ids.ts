import type { IdMaps, IdRange } from '#contracts/executor/id-maps.js';
import { invalid } from '#libs/errors/errors.js';

/** The texts of /etc/passwd, /etc/group, /etc/subuid and /etc/subgid. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
  readonly subuid: string;
  readonly subgid: string;
}

/** As many lines as the kernel takes in a map. */
const MOST_RANGES = 340;
const PRIVATE_SIZE = 65_536;

interface Account {
  readonly name: string;
  readonly id: number;
}

/**
 * The maps that `wish` means: "default" (the user and group dockremap), "user", "user:group", or the same in numbers, as dockerd's userns-remap has it. The ranges of
 * a user follow each other from 0 on, lowest first. Throws `invalid`, naming what is missing.
 */
export function idMapsOf(wish: string, files: AccountFiles): IdMaps {
  const [user = '', group = user] = (wish === 'default' ? 'dockremap' : wish).split(':');
  const [uidOwner, gidOwner] = [account(user, files.passwd, 'passwd', wish), account(group, files.group, 'group', wish)];
  return { uids: inARow(rangesOf(uidOwner, files.subuid, 'subuid')), gids: inARow(rangesOf(gidOwner, files.subgid, 'subgid')) };
}

/** Maps of 65536 ids each that have no id in common, as many as the ranges of `user` have room for: one a container. Empty where it has none. */
export function privateIdMaps(user: string, files: Pick<AccountFiles, 'subuid' | 'subgid'>): readonly IdMaps[] {
  const blocks = (text: string): readonly number[] =>
    linesFor(user, text).flatMap(({ start, count }) => Array.from({ length: Math.floor(count / PRIVATE_SIZE) }, (_, index) => start + index * PRIVATE_SIZE));
  const gids = blocks(files.subgid);
  const map = (outside: number): readonly IdRange[] => [{ inside: 0, outside, size: PRIVATE_SIZE }];
  return blocks(files.subuid).slice(0, gids.length).map((uid, index) => ({ uids: map(uid), gids: map(gids[index] ?? uid) }));
}

/** What is `inside` in the namespace, on the host; undefined: nothing. */
export function outsideId(map: readonly IdRange[], inside: number): number | undefined {
  const range = map.find((one) => inside >= one.inside && inside < one.inside + one.size);
  return range && range.outside + (inside - range.inside);
}

/** What is `outside` on the host, in the namespace; undefined: nobody's in there. */
export function insideId(map: readonly IdRange[], outside: number): number | undefined {
  const range = map.find((one) => outside >= one.outside && outside < one.outside + one.size);
  return range && range.inside + (outside - range.outside);
}

/** As /proc/PID/uid_map takes it. */
export const idMapText = (map: readonly IdRange[]): string => map.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join('');

function account(nameOrId: string, text: string, file: 'passwd' | 'group', wish: string): Account {
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (name !== '' && (name === nameOrId || id === nameOrId)) return { name, id: Number(id) };
  }
  throw invalid(`BERTH_USERNS_REMAP=${wish}: there is no ${nameOrId === '' ? 'name' : `"${nameOrId}"`} in /etc/${file}${nameOrId === 'dockremap' ? ' (make it: useradd --system --user-group --shell /usr/sbin/nologin dockremap)' : ''}`);
}

function rangesOf({ name, id }: Account, text: string, file: 'subuid' | 'subgid'): readonly Line[] {
  const lines = [...linesFor(name, text), ...linesFor(String(id), text)];
  if (lines.length === 0) throw invalid(`no ${file} ranges found for user "${name}": /etc/${file} needs a line such as ${name}:100000:65536`);
  if (lines.length > MOST_RANGES) throw invalid(`/etc/${file} has ${lines.length} ranges for "${name}": the kernel takes ${MOST_RANGES}`);
  const sorted = lines.toSorted((one, other) => one.start - other.start);
  // The kernel's answer to such a map is EINVAL, at the first start of a container.
  const overlap = sorted.find(({ start }, index) => index > 0 && start < (sorted[index - 1]?.start ?? 0) + (sorted[index - 1]?.count ?? 0));
  if (overlap) throw invalid(`the ranges of "${name}" in /etc/${file} overlap at ${overlap.start}`);
  return sorted;
}

interface Line {
  readonly start: number;
  readonly count: number;
}

/** subuid(5): "owner:first:count". A line that is none gives nothing, and so does one of the host's own root. */
function linesFor(owner: string, text: string): readonly Line[] {
  return text.split('\n').flatMap((line) => {
    const [, name, start, count] = /^([^:#\s]+):(\d{1,10}):(\d{1,10})\s*$/.exec(line) ?? [];
    const range = { start: Number(start), count: Number(count) };
    return name === owner && range.start > 0 && range.count > 0 && range.start + range.count <= 2 ** 32 - 1 ? [range] : [];
  });
}

function inARow(lines: readonly Line[]): readonly IdRange[] {
  let inside = 0;
  return lines.map(({ start, count }) => {
    const range = { inside, outside: start, size: count };
    inside += count;
    return range;
  });
}
