import type { Socket } from 'node:net';
import { pipeline, type Readable, Transform } from 'node:stream';
import type { StreamEndpoint } from '#contracts/request.js';
import { type BerthError, unavailable } from '#libs/errors/errors.js';
import { openStream } from './open-stream.js';

/** Opens what `StreamServer.offerWhole` offered. Rejects as `open` does. */
export async function openWhole(endpoint: StreamEndpoint, open: (endpoint: StreamEndpoint) => Promise<Socket> = openStream): Promise<Readable> {
  return wholeOf(await open(endpoint));
}

/**
 * What comes from a socket, whose own sending half is open yet. The stream ends only where its sender came to the end, else it fails as unavailable. Destroying it closes the socket.
 *
 * The kernel ends the stream of a process that was killed like that of one that is done, and half an archive would be taken for a whole one. But who is done has closed
 * its sending half alone, and waits: a byte can still be written to it. To a socket that is closed it cannot (EPIPE, unix(7)).
 */
export function wholeOf(socket: Socket): Readable {
  const cutOff = (cause: Error): BerthError => unavailable('the stream was cut off: its sender did not come to the end', cause);
  const whole = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => void socket.write('\n', (error) => done(error ? cutOff(error) : null)),
  });
  // Also of who has still something to tell it.
  socket.on('error', (error) => whole.writableFinished || whole.destroy(cutOff(error)));
  // An error is the reader's, who gets it from the stream.
  return pipeline(socket, whole, () => socket.destroy());
}
