import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor-of.js';

/**
 * Stops reading from a socket, for somebody who goes on with its descriptor, which stays the socket's. Returns that and what was read already; undefined where the socket is
 * closed. Node has no public way to it but for a socket of which nothing was read (`pauseOnConnect`).
 */
export function takeOver(socket: Socket): { readonly fd: number; readonly first: Buffer } | undefined {
  const parts: Buffer[] = [];
  for (let part: Buffer | null; (part = socket.read() as Buffer | null); ) parts.push(part);
  const { _handle: handle } = socket as Socket & { readonly _handle?: { reading: boolean; readStop(): void } };
  const fd = descriptorOf(socket);
  if (handle === undefined || fd === undefined) return undefined;
  handle.reading = false;
  handle.readStop();
  return { fd, first: Buffer.concat(parts) };
}
