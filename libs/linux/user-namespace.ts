import type { Fd } from './native.js';
import { native } from './native.js';
import { checked, SystemCallError } from './system-call-error.js';

/** Both alive as long as their descriptors (close-on-exec) or a process in them is. */
export interface UserNamespace {
  readonly user: Fd;
  /** A new one that the user namespace owns: its root may do there what root may do. */
  readonly network: Fd;
}

/** A new user namespace with these maps, in the kernel's lines (user_namespaces(7)), and a network namespace of its own. Throws SystemCallError; EINVAL: no such map can be. */
export function newUserNamespace(uidMap: string, gidMap: string): UserNamespace {
  return made(native.newUserNamespace(uidMap, gidMap));
}

/** The same beside the event loop: the kernel takes a millisecond. */
export async function newUserNamespaceAsync(uidMap: string, gidMap: string): Promise<UserNamespace> {
  return made(await native.newUserNamespaceAsync(uidMap, gidMap));
}

/** One more network namespace that a user namespace owns, of which `user` is a descriptor. The caller closes it. Throws SystemCallError; EPERM: it is not one below the host's. */
export function newNetworkNamespaceIn(user: Fd): Fd {
  return checked('unshare CLONE_NEWNET', native.newNetworkNamespaceIn(user), { user });
}

/**
 * Runs `work` on a thread whose new files belong to the host's `uid` and `gid`, with all rights kept: in a tree whose mount knows no other ids, root can make nothing.
 * Only on a worker thread, and over when `work` returns: what that leaves for later is done as before.
 */
export function makingFilesAs<T>({ uid, gid }: { readonly uid: number; readonly gid: number }, work: () => T): T {
  checked('setfsuid', native.makeFilesAs(uid, gid), { uid, gid });
  try {
    return work();
  } finally {
    checked('setfsuid', native.makeFilesAs(0, 0));
  }
}

function made(result: readonly [Fd, Fd] | number): UserNamespace {
  if (typeof result === 'number') throw new SystemCallError('clone CLONE_NEWUSER', -result);
  const [user, network] = result;
  return { user, network };
}
