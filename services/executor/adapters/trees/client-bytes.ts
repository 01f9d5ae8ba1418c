import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MessagePort } from 'node:worker_threads';
import { duplicate } from '#libs/linux/duplicate.js';
import type { Fd } from '#libs/linux/native.js';
import { ClientMarks } from './client-marks.js';

/** So that the next part of a file is read while the last one is on its way. */
const SENT_AHEAD = 1 << 19;

/**
 * A client's end of a stream, as the thread that copies gets it: the bytes pass between the socket and the disk on that thread alone. Through the main thread, each piece of them
 * made work for the garbage collector of everything else there.
 */
export interface ClientEnd {
  /** Of the socket; whoever gives it keeps it open until the job has settled, and closes it. */
  readonly fd: Fd;
  /** What was read from it before. */
  readonly first: Uint8Array;
  readonly marks: ClientMarks['memory'];
  /** Closed when the transfer is to end. */
  readonly port: MessagePort;
}

/** What a client sends, to the end. Throws when the transfer is to end, or the connection broke. */
export async function* receivedFrom({ fd, first, marks, port }: ClientEnd): AsyncGenerator<Buffer, void, void> {
  const client = ClientMarks.of(marks);
  // Half open: how it went is told on the same socket, by the main thread.
  const socket = endedWith(port, new Socket({ fd: duplicate(fd), allowHalfOpen: true }));
  try {
    if (first.length > 0) yield Buffer.from(first.buffer, first.byteOffset, first.length);
    client.waitsForClient();
    for await (const chunk of socket) {
      client.goesOn();
      yield chunk as Buffer;
      client.waitsForClient();
    }
    client.goesOn();
  } finally {
    socket.destroy();
    port.close();
  }
}

/** Resolves once the kernel has all of it; the end of the stream is the main thread's to tell. Rejects when the transfer is to end, or the client has left. */
export async function sendTo({ fd, marks, port }: ClientEnd, source: AsyncIterable<Buffer>): Promise<void> {
  const client = ClientMarks.of(marks);
  const socket = endedWith(port, new Socket({ fd: duplicate(fd), readable: false, allowHalfOpen: true, writableHighWaterMark: SENT_AHEAD } as ConstructorParameters<typeof Socket>[0]));
  try {
    await pipeline(Readable.from(taken(source, client)), socket, { end: false });
    await new Promise<void>((resolve, reject) => socket.write('', (error) => (error ? reject(error) : resolve())));
    client.goesOn();
  } finally {
    socket.destroy();
    port.close();
  }
}

function endedWith(port: MessagePort, socket: Socket): Socket {
  port.once('close', () => socket.destroy(new Error('the copy is wanted no more')));
  // It may break while nobody reads or writes, which is told to whoever does next; unheard, it would end the thread, and all copies on it.
  return socket.on('error', () => undefined);
}

/** What was taken and not asked for more is the client's to take, and so is what is still on its way when there is no more. */
async function* taken(source: AsyncIterable<Buffer>, client: ClientMarks): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of source) {
    client.waitsForClient();
    yield chunk;
    client.goesOn();
  }
  client.waitsForClient();
}
