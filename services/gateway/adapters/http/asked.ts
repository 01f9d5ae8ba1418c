import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '#contracts/request.js';
import { flag, type QueryValues } from '../../domain/query-values.js';
import { actorOf } from './peer.js';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Who asked, why and how, of one HTTP request. The actor is the kernel's word, never the client's. */
export function contextOf(request: IncomingMessage, query: QueryValues): RequestContext {
  const id = randomUUID();
  const key = request.headers['idempotency-key'];
  const dryRun = request.headers['berth-dry-run'] === '1' || flag(query, 'dryRun');
  return {
    actor: actorOf(request.socket),
    correlationId: id,
    causationId: id,
    traceparent: traceparentOf(request),
    ...(typeof key === 'string' && /^[\x21-\x7e]{1,128}$/.test(key) ? { idempotencyKey: key } : {}),
    ...(dryRun ? { dryRun } : {}),
  };
}

/** The client's own trace goes on; without one a new trace begins (W3C Trace Context). */
function traceparentOf(request: IncomingMessage): string {
  const given = request.headers.traceparent;
  if (typeof given === 'string' && TRACEPARENT.test(given)) return given;
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}

/** A controller parameter: the RequestContext of the request at hand. */
export const Asked = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return contextOf(request.raw, request.query as QueryValues);
});

