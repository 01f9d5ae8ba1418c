import { NatsContext, ServerNats } from '@nestjs/microservices';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { connectNats, type NatsOptions } from '#libs/nats/connect-nats.js';
import { inSpan, isTracing, type Span, startSpan } from '#libs/telemetry/tracing.js';
import { readContext } from './bus-headers.js';
import { LongReplies } from './long-replies.js';
import { isRequest } from './requests-alone.js';
import { spanName } from './span-name.js';

/** What Nest's NATS transport answers: one of the two. */
export interface ReplyPacket {
  readonly response?: unknown;
  readonly err?: unknown;
}

/**
 * Nest's NATS transport of `service`, which answers those of its own process without a bus between, too, and gives a reply that is too long for one message in
 * parts. With tracing on each request is a span, from its arrival to its answer: a child of the caller's.
 */
export class ServiceTransport extends ServerNats {
  private replies: LongReplies | undefined;

  constructor(
    private readonly connection: NatsOptions & { readonly queue?: string },
    readonly service: string,
  ) {
    super(connection);
    if (isTracing()) this.traceRequests();
  }

  /** Takes the same way as a message of the bus, through the contract's validation. Undefined: this service has no such request. */
  answer(subject: string, data: unknown, headers: MsgHdrs): Promise<ReplyPacket> | undefined {
    const handler = this.messageHandlers.get(subject);
    if (handler === undefined) return undefined;
    const context = new NatsContext([subject, headers]);
    return new Promise((resolve) => this.handleRequest(context, async () => this.transformToObservable(handler(data, context)), resolve));
  }

  override createNatsClient(): Promise<NatsConnection> {
    return connectNats(this.connection);
  }

  override bindEvents(client: NatsConnection): void {
    this.replies = new LongReplies(client);
    this.replies.serve(this.service);
    super.bindEvents(client);
  }

  /** Nest goes by the subscription that a message came by, not by its subject. */
  override getMessageHandler(channel: string): (error: Error | undefined, message: Msg) => unknown {
    const handle = super.getMessageHandler(channel) as (error: Error | undefined, message: Msg) => unknown;
    return (error, message) => (error || isRequest(message, channel) ? handle(error, message) : undefined);
  }

  override getPublisher(request: Msg, id: string, context: NatsContext): (response: object) => unknown {
    // All that it uses of the request.
    const answered = { reply: request.reply, respond: (text: string) => this.replies?.answer(request, text) };
    return super.getPublisher(answered, id, context);
  }

  private traceRequests(): void {
    const spans = new WeakMap<object, Span>();
    this.setOnProcessingStartHook((_transport, context, handle) => {
      const nats = context as NatsContext; // the only kind this transport makes
      const subject = nats.getSubject();
      const { traceparent, actor, correlationId } = readContext(nats.getHeaders() as MsgHdrs | undefined);
      const span = startSpan(`handle ${spanName(subject)}`, {
        kind: 'server',
        parent: traceparent,
        service: this.service,
        attributes: { 'messaging.system': 'nats', 'messaging.destination.name': subject, 'berth.actor': actor, 'berth.correlation_id': correlationId },
      });
      if (span === undefined) return void handle();
      spans.set(nats, span);
      return inSpan(span, handle);
    });
    this.setOnProcessingEndHook((_transport, context) => spans.get(context as NatsContext)?.end());
  }
}
