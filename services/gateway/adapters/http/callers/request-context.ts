import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import { formatTraceparent, parseTraceparent } from '#libs/telemetry/trace-context.js';
import { currentSpan } from '#libs/telemetry/tracing.js';
import { API_VERSION, versionOf } from '../../../domain/api-version.js';
import { flag, type QueryValues } from '../../../domain/requests/query-values.js';
import { actorOf } from './peer.js';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

/** Who asked, why and how, of one HTTP request. The actor is the kernel's word, never the client's. Throws invalid for a key that cannot be kept: the client would take itself for safe. */
export function contextOf(request: IncomingMessage, query: QueryValues): RequestContext {
  const id = randomUUID();
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))) throw invalid('invalid Idempotency-Key: 1 to 128 printable characters of ASCII without blanks');
  const dryRun = flag(request.headers, 'berth-dry-run') || flag(query, 'dryRun');
  return {
    actor: actorOf(request.socket),
    correlationId: id,
    causationId: id,
    traceparent: traceparentOf(request),
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(dryRun ? { dryRun } : {}),
  };
}

/** The span of this request; without tracing, the client's own, or one that nobody records: the log's commits still tell what belongs together. */
function traceparentOf(request: IncomingMessage): string {
  const span = currentSpan();
  if (span !== undefined) return span.traceparent;
  const given = request.headers.traceparent;
  if (typeof given === 'string' && parseTraceparent(given)) return given;
  const hex = (): string => randomUUID().replaceAll('-', ''); // of a pool of random bytes, where randomBytes asks each time
  return formatTraceparent({ traceId: hex(), spanId: hex().slice(16), sampled: false });
}

/** A controller parameter: the RequestContext of the request at hand. */
export const Asked = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return contextOf(request.raw, request.query as QueryValues);
});


/** A controller parameter: the API version that the request names, the newest where it names none. */
export const ApiVersion = createParamDecorator((_: unknown, context: ExecutionContext): string => versionOf(context.switchToHttp().getRequest<FastifyRequest>().originalUrl) ?? API_VERSION);
