import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isFull } from '#libs/linux/full-disk.js';
import { MNT_DETACH, mount, umount2 } from '#libs/linux/mounts.js';
import { SystemCallError } from '#libs/linux/system-call-error.js';

/** Whether the kernel makes an overlay with a writable layer in `directory`: asked by trying. Undefined: a full disk has no room to try. Only on a thread of TreeThreads. */
export function probeOverlay({ directory }: { readonly directory: string }): boolean | undefined {
  let top = '';
  try {
    top = mkdtempSync(join(directory, '.tmp-probe-'));
    const [lower, upper, work, target] = ['lower', 'upper', 'work', 'target'].map((name) => join(top, name)) as [string, string, string, string];
    for (const path of [lower, upper, work, target]) mkdirSync(path);
    mount('overlay', target, 'overlay', 0, `lowerdir=${lower},upperdir=${upper},workdir=${work}`);
    umount2(target, MNT_DETACH);
    return true;
  } catch (error) {
    if (isFull(error)) return undefined;
    if (error instanceof SystemCallError) return false;
    throw error;
  } finally {
    if (top !== '') rmSync(top, { recursive: true, force: true });
  }
}
