import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { withToldEnd } from '#libs/messaging/told-end.js';
import { wholeOf } from '#libs/messaging/whole-stream.js';
import { whenGone } from './when-gone.js';

/**
 * A request's body into the stream, its end told; returns what the stream says to it, which fails where that was cut off. Of a stream that takes no more, since what came was refused, the rest is read and
 * dropped: a connection that is closed with bytes unread is reset, and the client would lose the answer. A client that leaves before the end ends the stream.
 */
export function sendBody(body: IncomingMessage, stream: Socket): Readable {
  const taken = withToldEnd(stream);
  const dropRest = (): void => void body.unpipe(taken).resume();
  stream.on('error', dropRest).on('close', dropRest);
  // Of the stream, which tells it as well.
  taken.on('error', dropRest);
  whenGone(body, () => {
    if (!body.complete) stream.destroy();
  });
  body.pipe(taken);
  return wholeOf(stream);
}
