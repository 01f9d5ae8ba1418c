import type { Duplex } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { noticeLeaving } from './notice-leaving.js';
import { rawHead } from './raw-head.js';

/**
 * Answers a client that asked for no upgrade with its connection as a stream, as dockerd does: a head, and from there on bytes in both directions until the end. The request has been
 * read to its end; what the server's parser would read next is what the client types.
 */
export function takeOver(reply: FastifyReply, contentType: string): Duplex {
  reply.hijack();
  const client = reply.raw.socket ?? reply.request.raw.socket;
  // HTTP's: to parse what comes, and to end a connection whose client sends no more.
  client.removeAllListeners('data').removeAllListeners('end');
  // Its parser reads the handle itself until somebody listens for what comes (node, _http_server.js: unconsume). What is typed before the stream is there waits for it.
  const listener = (): void => undefined;
  client.on('data', listener).off('data', listener).pause();
  noticeLeaving(client);
  if (!client.destroyed) client.write(rawHead(200, { 'Content-Type': contentType }));
  return client;
}
