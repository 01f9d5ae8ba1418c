import { closeSync, constants, openSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { basename, dirname } from 'node:path';

/** What sockaddr_un(7) has room for; also what listens by its path has no longer one. */
export const LONGEST_SOCKET_PATH = 107;
const O_PATH = 0o10_000_000; // Node has no name for it

/**
 * connect(2) to the unix socket at `path`, however long that is: a container's id in it, and the number of its start, take most of the room that there is, so that a longer
 * one is named by its folder's descriptor. What goes wrong is the socket's 'error', as always.
 */
export function connectUnix(path: string, options: { readonly allowHalfOpen?: boolean } = {}): Socket {
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return connect({ ...options, path });
  let folder: number | undefined;
  try {
    folder = openSync(dirname(path), constants.O_DIRECTORY | O_PATH);
    // Node calls connect(2) before it returns.
    return connect({ ...options, path: `/proc/self/fd/${folder}/${basename(path)}` });
  } catch (error) {
    return new Socket().destroy(error as Error);
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}
