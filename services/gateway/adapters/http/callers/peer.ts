import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { PeerCredentials } from '#libs/linux/processes.js';
import { descriptorOf } from '#libs/messaging/descriptor-of.js';
import { actorName, type Caller } from '../../../domain/access/caller.js';

interface Peer {
  readonly caller: Caller;
  readonly actor: string;
}

const peers = new WeakMap<object, Peer>();
let peerCredentials: ((fd: number) => PeerCredentials) | undefined;

/** Loads the addon that reads SO_PEERCRED. Without it every client is "local": the socket's mode has let it in. */
export async function preparePeers(): Promise<void> {
  try {
    ({ peerCredentials } = await import('#libs/linux/processes.js'));
  } catch {
    peerCredentials = undefined;
  }
}

/** "uid:1000 pid:4711" as the kernel knows the other end of a unix socket (unix(7), SO_PEERCRED: at the time of connect), "cn:alice" of a certificate. */
export const actorOf = (socket: Socket): string => peerOf(socket).actor;

/** Who is at the other end of a connection; the same for all of its requests. */
export const callerOf = (socket: Socket): Caller => peerOf(socket).caller;

function peerOf(socket: Socket): Peer {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const caller = readPeer(socket);
  const peer = { caller, actor: actorName(caller) };
  peers.set(socket, peer);
  return peer;
}

function readPeer(socket: Socket): Caller {
  if (socket instanceof TLSSocket) return ofCertificate(socket);
  if (socket.remoteAddress !== undefined) return { by: 'loopback' }; // without TLS nothing else is listened on
  const fd = descriptorOf(socket);
  if (peerCredentials === undefined || fd === undefined) return { by: 'unknown' };
  try {
    return { by: 'socket', ...peerCredentials(fd) };
  } catch {
    return { by: 'unknown' };
  }
}

/** A subject may have a field several times: of common names that is none, since it is not said which one counts. */
function ofCertificate(socket: TLSSocket): Caller {
  const subject: Readonly<Record<string, string | string[] | undefined>> = socket.authorized ? { ...socket.getPeerCertificate().subject } : {};
  const { CN: commonName, OU: units = [] } = subject;
  return { by: 'certificate', commonName: typeof commonName === 'string' ? commonName : '', organisationalUnits: typeof units === 'string' ? [units] : units };
}
