import type { ContainerMount } from '#contracts/containers/container-state.js';
import { unclassified } from '#libs/errors/errors.js';

/** mount(8)'s words that dockerd lets through, and tmpfs(5)'s own. */
const TMPFS_WORDS = new Set(
  ('defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave ' +
    'relatime norelatime strictatime nostrictatime').split(' '),
);
const TMPFS_VALUES = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** The mounts of a start. Throws, in dockerd's words, for options of which it is found out then that they are none. */
export function startMounts(mounts: readonly ContainerMount[]): readonly ContainerMount[] {
  for (const { type, options = '', readOnly, readOnlyBelow } of mounts) {
    if (!readOnly && readOnlyBelow !== undefined) throw unclassified(`mount options conflict: !ReadOnly && BindOptions.${readOnlyBelow === 'never' ? 'ReadOnlyNonRecursive' : 'ReadOnlyForceRecursive'}`);
    for (const option of type === 'tmpfs' && options !== '' ? options.split(',') : []) {
      const [name = '', value] = option.split('=');
      if (value === undefined ? !TMPFS_WORDS.has(name) : !TMPFS_VALUES.has(name)) throw unclassified(`invalid tmpfs option ${JSON.stringify(name)}`);
    }
  }
  return mounts;
}
