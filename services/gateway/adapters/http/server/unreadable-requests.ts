import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { endWithError } from '../streams/raw-head.js';

/** URL and headers, at most, as Go has it: `docker save` of some hundred images names them all in its URL. */
export const HEAD_LIMIT_BYTES = 1024 * 1024;

const STATUS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/**
 * Answers what is no request at all, as other errors are answered. Where a whole request's answer has begun, what comes is no part of it, and may be of somebody who types without
 * having asked for an upgrade: it is dropped, and the answer goes on. A request that breaks off is over, and so is its connection.
 */
export function answerUnreadable(server: Server): void {
  const replies = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (request: IncomingMessage, reply: ServerResponse) => replies.set(request.socket, reply));
  server.removeAllListeners('clientError').on('clientError', (error: NodeJS.ErrnoException, client: Duplex) => {
    const reply = replies.get(client);
    const code = error.code ?? '';
    const hasBegun = reply?.headersSent === true && !reply.writableFinished;
    if (hasBegun && reply.req.complete && code.startsWith('HPE_') && client.writable) return;
    if (hasBegun || !client.writable || !(code.startsWith('HPE_') || code in STATUS)) return void client.destroy();
    const status = STATUS[code] ?? 400;
    endWithError(client, status, STATUS_CODES[status] ?? '');
  });
}
