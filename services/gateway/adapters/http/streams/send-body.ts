import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { whenGone } from './when-gone.js';

/**
 * A request's body into a stream, half-closed at its end. Of a stream that takes no more, since what came was refused, the rest is read and dropped: a connection that is closed with
 * bytes unread is reset, and the client would lose the answer. A client that leaves before the end ends the stream.
 */
export function sendBody(body: IncomingMessage, stream: Socket): void {
  const dropRest = (): void => void body.unpipe(stream).resume();
  stream.on('error', dropRest).on('close', dropRest);
  whenGone(body, () => {
    if (!body.complete) stream.destroy();
  });
  body.pipe(stream);
}
