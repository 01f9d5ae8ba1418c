import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor-of.js';

/** What Node's sockets read with. They start it when they want bytes, and take it to be still at it until some came. */
interface Reading {
  readonly _handle?: { reading: boolean; readStart(): void; readStop(): void } | null;
}

/**
 * Stops reading from a socket, for somebody who goes on with its descriptor, which stays the socket's. Returns that and what was read already; undefined where the socket is
 * closed. Node has no public way to it but for a socket of which nothing was read (`pauseOnConnect`). Until `giveBack` the socket does not see its peer's end either, and never closes by itself.
 */
export function takeOver(socket: Socket): { readonly fd: number; readonly first: Buffer } | undefined {
  const parts: Buffer[] = [];
  for (let part: Buffer | null; (part = socket.read() as Buffer | null); ) parts.push(part);
  const { _handle: handle } = socket as Socket & Reading;
  const fd = descriptorOf(socket);
  if (!handle || fd === undefined) return undefined;
  handle.reading = false;
  handle.readStop();
  return { fd, first: Buffer.concat(parts) };
}

/** Reads on where the other stopped, which reads no more: at the least, the peer's end. The socket still waits for the bytes that it asked for before, and would ask for no others. */
export function giveBack(socket: Socket): void {
  const { _handle: handle } = socket as Socket & Reading;
  if (!handle) return; // closed meanwhile
  handle.reading = true;
  handle.readStart();
}
