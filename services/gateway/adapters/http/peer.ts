import type { Socket } from 'node:net';

const actors = new WeakMap<object, string>();
let peerCredentials: ((fd: number) => { readonly uid: number; readonly pid: number }) | undefined;

/** Loads the addon that reads SO_PEERCRED. Without it every client is "local": the socket's mode has let it in. */
export async function preparePeers(): Promise<void> {
  try {
    ({ peerCredentials } = await import('#libs/linux/processes.js'));
  } catch {
    peerCredentials = undefined;
  }
}

/** "uid:1000 pid:4711" as the kernel knows the other end of a unix socket (unix(7), SO_PEERCRED: at the time of connect). */
export function actorOf(socket: Socket): string {
  const known = actors.get(socket);
  if (known !== undefined) return known;
  const actor = readPeer(socket) ?? 'local';
  actors.set(socket, actor);
  return actor;
}

function readPeer(socket: Socket): string | undefined {
  // Node has no public way from a socket to its descriptor.
  const fd = (socket as Socket & { readonly _handle?: { readonly fd?: number } })._handle?.fd;
  if (peerCredentials === undefined || fd === undefined || fd < 0) return undefined;
  try {
    const { uid, pid } = peerCredentials(fd);
    return `uid:${uid} pid:${pid}`;
  } catch {
    return undefined;
  }
}
