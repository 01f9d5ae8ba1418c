import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { PathChange } from '#contracts/executor/archives.js';
import { O_PATH, RESOLVE_BENEATH } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { type TarMember, writeTar } from '#libs/oci/tar-writer.js';
import { type Archive, isReplaced, memberOf, openName } from './archive-tree.js';
import { type ChangedEntry, changedEntries, type Written } from './changed-entries.js';
import { type ClientEnd, sendTo } from './client-bytes.js';
import { type Layers, openMergedView } from './merged-view.js';

export interface ChangesJob {
  readonly directory: string;
  readonly written: Written;
  readonly image: Layers;
}

/** What a container changed of its image, with the directories that it is in. The container may run meanwhile. */
export function listChanges(job: ChangesJob): Promise<readonly PathChange[]> {
  return withChanges(job, (entries) => Array.from(entries, ({ path, kind }) => ({ path: path.toString(), kind: kind === 'same' ? 'modified' : kind })));
}

/** Sends the changes as a layer's tar archive (image-spec, layer.md), nothing where there is none. */
export function packChanges({ client, ...job }: ChangesJob & { readonly client: ClientEnd }): Promise<void> {
  return withChanges(job, async (entries) => {
    const members = layerMembers(entries);
    const first = members.next();
    if (first.done) return;
    await sendTo(client, writeTar(startingWith(first.value, members)));
  });
}

function* startingWith<T>(first: T, rest: Iterable<T>): Generator<T, void, void> {
  yield first;
  yield* rest;
}

function* layerMembers(entries: Iterable<ChangedEntry>): Generator<TarMember, void, void> {
  const archive: Archive = { files: new Map(), userAttributes: true };
  for (const { path, directory, name, facts } of entries) {
    const member = path.subarray(1);
    if (isWhiteoutPath(member)) continue;
    if (facts === undefined) yield { path: Buffer.concat([member.subarray(0, member.length - name.length), WHITEOUT, name]), type: 'file', mode: 0o600, sizeBytes: 0 };
    else yield* changedMember(directory, name, member, archive);
  }
}

/** Nothing where it is gone, or another thing by now. */
function* changedMember(directory: Fd, name: Buffer, path: Buffer, archive: Archive): Generator<TarMember, void, void> {
  const fd = openName(directory, name, O_PATH | constants.O_NOFOLLOW, RESOLVE_BENEATH);
  if (fd === undefined) return;
  try {
    yield* memberOf({ directory, name, fd }, fstatSync(fd, { bigint: true }), path, archive);
  } catch (error) {
    if (!isReplaced(error)) throw error;
  } finally {
    closeSync(fd);
  }
}

const WHITEOUT = Buffer.from('.wh.');
/** A layer has no words for files of such names: each would say of another file that it is gone. dockerd lets them say so. */
const isWhiteoutPath = (path: Buffer): boolean => /(^|\/)\.wh\./.test(path.toString('latin1'));

async function withChanges<T>({ directory, written, image }: ChangesJob, use: (entries: Iterable<ChangedEntry>) => Promise<T> | T): Promise<T> {
  const tree = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  let base: Fd | undefined;
  try {
    base = image.layers.length === 0 ? undefined : openMergedView(image);
    return await use(changedEntries(tree, base, written));
  } finally {
    closeSync(tree);
    if (base !== undefined) closeSync(base);
  }
}
