import type { Socket } from 'node:net';
import { pipeline, type Readable, Transform } from 'node:stream';
import type { StreamEndpoint } from '#contracts/request.js';
import { unavailable } from '#libs/errors/errors.js';
import { openStream } from './open-stream.js';

/**
 * Opens what `StreamServer.offerWhole` offered. The stream ends only where its sender came to the end, else it fails as unavailable. Destroying it closes the socket.
 * Rejects as `open` does.
 *
 * The kernel ends the stream of a process that was killed like that of one that is done, and half an archive would be taken for a whole one. But who is done has closed
 * its sending half alone, and waits: a byte can still be written to it. To a socket that is closed it cannot (EPIPE, unix(7)).
 */
export async function openWhole(endpoint: StreamEndpoint, open: (endpoint: StreamEndpoint) => Promise<Socket> = openStream): Promise<Readable> {
  const socket = await open(endpoint);
  const whole = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => void socket.write('\n', (error) => done(error ? unavailable('the stream was cut off: its sender did not come to the end', error) : null)),
  });
  // An error is the reader's, who gets it from the stream.
  return pipeline(socket, whole, () => socket.destroy());
}
