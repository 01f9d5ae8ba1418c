import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { whenGone } from './when-gone.js';

/** Sends bytes as they come, headers at once. */
export function streamReply(reply: FastifyReply, contentType: string, source: Readable): void {
  begin(reply, contentType);
  pipeReply(reply, source);
}

/**
 * Sends bytes as they come, where the answer has begun. A client that leaves, or left before, ends the source; a source that fails cuts the answer short, since its status is
 * out.
 */
export function pipeReply({ raw }: FastifyReply, source: Readable): void {
  whenGone(raw, () => source.destroy());
  source.on('error', () => raw.destroy());
  source.pipe(raw);
}

/** Takes the answer out of Fastify's hands and sends status 200 with its headers. */
export function begin(reply: FastifyReply, contentType: string): void {
  const headers = reply.getHeaders();
  reply.hijack();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.setHeader('Content-Type', contentType);
  reply.raw.writeHead(200);
  reply.raw.flushHeaders();
}
