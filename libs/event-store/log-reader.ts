import { type ConsumerMessages, DeliverPolicy, type JetStreamClient, type JsMsg, type OrderedPushConsumerOptions } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { unavailable } from '#libs/errors/errors.js';

export interface LogStream {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly stream: string;
}

export type MessageHandler = (message: JsMsg) => void;

const retryMilliseconds = 200;

/**
 * Reads the log from a position on: an ordered push consumer, made anew at the next position after a reconnect or whatever else ended it. Consumers
 * live in the server's memory and die with it, so waiting for the old one would be waiting for its timeout.
 *
 * Subjects with wildcards are not for the server to filter: nats-server 2.10 gives 200 000 messages a second unfiltered, and was measured to give
 * from 100 000 down to 40 with wildcard filters, as subjects and filters happened to lie. One exact `subject` is.
 */
export class LogReader {
  private given: number;
  private messages: ConsumerMessages | undefined;
  private generation = 0;
  private stopped = false;

  /** `onEnd`: the connection was closed; not called after `stop`. */
  constructor(
    private readonly log: LogStream,
    after: number,
    private readonly subject: string | undefined,
    private readonly onMessage: MessageHandler,
    private readonly onEnd: (error: unknown) => void,
  ) {
    this.given = after;
    void this.consume();
  }

  /** Of the newest message that was given. */
  get position(): number {
    return this.given;
  }

  /** The server may be another one now, which knows nothing of our consumer. */
  reconnected(): void {
    if (!this.stopped) void this.consume();
  }

  /** No `onMessage` is called after this. */
  stop(): void {
    this.stopped = true;
    this.messages?.stop();
  }

  /** In memory: on disk, the server would write down ten times a second how far it is, with a sync of its own beside those of the commits. */
  private options(): Partial<OrderedPushConsumerOptions> & { readonly mem_storage: true } {
    const from = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.given + 1, mem_storage: true } as const;
    return this.subject === undefined ? from : { ...from, filter_subjects: this.subject };
  }

  private async consume(): Promise<void> {
    const generation = ++this.generation;
    this.messages?.stop();
    this.messages = undefined;
    const isCurrent = (): boolean => !this.stopped && generation === this.generation;
    while (isCurrent()) {
      try {
        const consumer = await this.log.client.consumers.getPushConsumer(this.log.stream, this.options());
        const messages = await consumer.consume({
          callback: (message) => {
            if (!isCurrent() || message.seq <= this.given) return;
            this.given = message.seq;
            this.onMessage(message);
          },
        });
        this.messages = messages;
        if (!isCurrent()) messages.stop();
        await messages.closed();
        void consumer.delete().catch(() => undefined); // it would go by itself, later
      } catch (error) {
        if (this.log.connection.isClosed()) {
          if (isCurrent()) this.onEnd(unavailable('the connection to the log was closed', error));
          return;
        }
      }
      if (isCurrent()) await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
    }
  }
}
