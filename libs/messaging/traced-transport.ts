import type { NatsContext } from '@nestjs/microservices';
import type { MsgHdrs } from '@nats-io/transport-node';
import { inSpan, type Span, startSpan } from '#libs/telemetry/tracing.js';
import { readContext } from './bus-headers.js';
import { ServiceTransport } from './service-transport.js';
import { spanName } from './span-name.js';

/** A service's transport, each request of which is a span of `service`, from its arrival to its answer: a child of the caller's. */
export function tracedTransport(options: ConstructorParameters<typeof ServiceTransport>[0], service: string): ServiceTransport {
  const server = new ServiceTransport(options, service);
  const spans = new WeakMap<object, Span>();
  server.setOnProcessingStartHook((_transport, context, handle) => {
    const nats = context as NatsContext; // the only kind this transport makes
    const subject = nats.getSubject();
    const { traceparent, actor, correlationId } = readContext(nats.getHeaders() as MsgHdrs | undefined);
    const span = startSpan(`handle ${spanName(subject)}`, {
      kind: 'server',
      parent: traceparent,
      service,
      attributes: { 'messaging.system': 'nats', 'messaging.destination.name': subject, 'berth.actor': actor, 'berth.correlation_id': correlationId },
    });
    if (span === undefined) return void handle();
    spans.set(nats, span);
    return inSpan(span, handle);
  });
  server.setOnProcessingEndHook((_transport, context) => spans.get(context as NatsContext)?.end());
  return server;
}
