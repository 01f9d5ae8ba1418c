import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { inSpan, isTracing, type Span, startSpan } from '#libs/telemetry/tracing.js';
import { parseTraceparent } from '#libs/telemetry/trace-context.js';
import { withoutVersion } from '../../../domain/api-version.js';
import { ClientTraces } from './client-traces.js';

const clients = new ClientTraces();
const spans = new WeakMap<IncomingMessage, Span>();

/** Each request a span, from its arrival until its connection has its answer. Does nothing while tracing is off. */
export function traceRequests(fastify: FastifyInstance): void {
  if (!isTracing()) return;
  fastify.addHook('onRequest', (request, reply, done) => {
    const span = begin(request.raw, `${request.method} ${request.routeOptions.url ?? 'unknown'}`);
    reply.raw.once('close', () => {
      span?.set({ 'http.response.status_code': reply.raw.statusCode });
      if (reply.raw.statusCode >= 500) span?.fail(`status ${reply.raw.statusCode}`);
      span?.end();
    });
    done();
  });
  // Reading a body ends in the parser's context, not in the request's: the span is entered behind it.
  fastify.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request.raw);
    if (span === undefined) done();
    else inSpan(span, done);
  });
}

/** A connection that is taken over is a span until `work` is done with it. `route` as in a route's path. */
export async function tracedUpgrade(request: IncomingMessage, route: string, work: () => Promise<void>): Promise<void> {
  const span = isTracing() ? begin(request, `${request.method} ${route}`) : undefined;
  if (span === undefined) return work();
  try {
    await inSpan(span, work);
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}

function begin(request: IncomingMessage, name: string): Span | undefined {
  const given = request.headers.traceparent;
  // The client's own trace goes on; without one the command's that it is, or a new one.
  const parent = typeof given === 'string' && parseTraceparent(given) ? given : clients.parentOf(request.socket);
  const path = withoutVersion(request.url ?? '').replace(/\?.*/, ''); // a query may hold what is nobody's business
  const span = startSpan(name, { kind: 'server', parent, service: 'gateway', attributes: { 'http.request.method': request.method ?? '', 'url.path': path } });
  if (span !== undefined) spans.set(request, span);
  return span;
}
