import type { Socket } from 'node:net';

/** The number of an open socket's descriptor, which stays Node's own. Node has no public way to it. */
export function descriptorOf(socket: Socket): number | undefined {
  const fd = (socket as Socket & { readonly _handle?: { readonly fd?: number } })._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}
