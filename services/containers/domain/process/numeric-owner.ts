import { notImplemented } from '#libs/errors/errors.js';

const LARGEST_ID = 2 ** 32 - 2;

/** "1000" or "1000:50"; undefined: root, or nobody in particular. Throws for a name, which the container's own files alone could resolve. */
export function numericOwner(user: string): { readonly uid: number; readonly gid: number } | undefined {
  if (user === '' || user === 'root') return undefined;
  const [, uid, gid = '0'] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(user) ?? [];
  if (uid === undefined || Number(uid) > LARGEST_ID || Number(gid) > LARGEST_ID) throw notImplemented(`Berth does not support copying files for the user "${user}" (copyUIDGID) yet: only numbers`);
  return { uid: Number(uid), gid: Number(gid) };
}
