import { type NatsContext, ServerNats } from '@nestjs/microservices';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { LongReplies } from './long-replies.js';

/** Nest's NATS transport, which gives a reply that is too long for one message in parts. */
export class ServiceTransport extends ServerNats {
  private replies: LongReplies | undefined;

  constructor(
    options: ConstructorParameters<typeof ServerNats>[0],
    private readonly service: string,
  ) {
    super(options);
  }

  override bindEvents(client: NatsConnection): void {
    this.replies = new LongReplies(client);
    this.replies.serve(this.service);
    super.bindEvents(client);
  }

  override getPublisher(request: Msg, id: string, context: NatsContext): (response: object) => unknown {
    // All that it uses of the request.
    const answered = { reply: request.reply, respond: (text: string) => this.replies?.answer(request, text) };
    return super.getPublisher(answered, id, context);
  }
}
