import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { isFull } from '#libs/linux/full-disk.js';
import { MNT_DETACH, mount, mountWithIds, umount2 } from '#libs/linux/mounts.js';
import { SystemCallError } from '#libs/linux/system-call-error.js';
import { makingFilesAs, newUserNamespace } from '#libs/linux/user-namespace.js';
import { idMapText, outsideId } from '#libs/settings/subordinate-ids.js';

export interface MappedProbe {
  readonly directory: string;
  readonly ids: IdMaps;
}

/** Whether the kernel makes an overlay of layers in `directory` that have other ids: asked by trying, as a start does it. Undefined: it does, or a full disk has no room to try, and a start will tell; else why not. Only on a thread of TreeThreads. */
export async function probeMappedOverlay({ directory, ids }: MappedProbe): Promise<string | undefined> {
  let top = '';
  try {
    top = mkdtempSync(join(directory, '.tmp-probe-'));
    const { user, network } = newUserNamespace(idMapText(ids.uids), idMapText(ids.gids));
    try {
      for (const name of ['lower', 'upper', 'work', 'target']) mkdirSync(join(top, name));
      mountWithIds(top, top, user);
    } finally {
      closeSync(user);
      closeSync(network);
    }
    try {
      const at = (name: string): string => join(top, name);
      makingFilesAs({ uid: outsideId(ids.uids, 0) ?? 0, gid: outsideId(ids.gids, 0) ?? 0 }, () => mount('overlay', at('target'), 'overlay', 0, `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('work')}`));
      umount2(at('target'), MNT_DETACH);
      return undefined;
    } finally {
      umount2(top, MNT_DETACH);
    }
  } catch (error) {
    if (isFull(error)) return undefined;
    if (error instanceof SystemCallError) return error.message;
    throw error;
  } finally {
    if (top !== '') rmSync(top, { recursive: true, force: true });
  }
}
