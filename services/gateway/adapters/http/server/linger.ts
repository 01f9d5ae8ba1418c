import type { IncomingMessage, Server } from 'node:http';

/** What Go's server, and dockerd with it, still reads of a body that nobody wants. */
const REST_BYTES = 256 * 1024;
/** And how long it waits before it closes. */
const LINGER_MS = 500;

/**
 * An answer that comes before all of a body was read, on a connection that is closed after it: who still writes when it is closed finds it broken, and never reads the answer. So the
 * rest is read and dropped first. Of more than a client may be waited for, it is told by the end of what it reads; half a second later the connection is closed.
 */
export function lingerAfterEarlyAnswers(server: Server): void {
  server.on('request', (request: IncomingMessage) => {
    const { socket } = request;
    const close = (): void => void Object.getPrototypeOf(socket).destroySoon.call(socket);
    // Called by the HTTP server when the last answer of a connection is out.
    socket.destroySoon = () => {
      if (request.complete || socket.destroyed) return close();
      const stop = (): void => {
        socket.end();
        const closing = setTimeout(() => socket.destroy(), LINGER_MS).unref();
        socket.once('close', () => clearTimeout(closing));
      };
      request.resume();
      if (Number(request.headers['content-length'] ?? 0) > REST_BYTES) return stop();
      const stopping = setTimeout(stop, LINGER_MS).unref();
      socket.once('close', () => clearTimeout(stopping));
      request.once('end', close);
    };
  });
}
