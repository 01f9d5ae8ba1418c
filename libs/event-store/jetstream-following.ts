import { DeliverPolicy, JetStreamApiError, type ConsumerMessages, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { unavailable } from '#libs/errors/errors.js';
import { matches } from './aggregate-subject.js';
import { ReadCommit } from './commit-format.js';
import type { Commit } from './event.js';
import type { Following } from './event-store.js';
import { FollowProgress } from './follow-progress.js';

export interface FollowedStream {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly stream: string;
}

const noMessageFound = 10037;
const retryMilliseconds = 200;

/**
 * One reader of the log: an ordered push consumer, made anew at the next position after a reconnect or whatever else ended it. Consumers live in
 * the server's memory and die with it, so waiting for the old one would be waiting for its timeout.
 *
 * Filters with wildcards are matched here, not in the server: nats-server 2.10 gives 200 000 messages a second unfiltered, and was measured to give
 * from 100 000 down to 40 with wildcard filters, as subjects and filters happened to lie. So `position` also moves with others' commits.
 */
export class JetStreamFollowing implements Following {
  private readonly progress: FollowProgress;
  /** The newest position that came; `progress` may be ahead of it where the server filters. */
  private given: number;
  private messages: ConsumerMessages | undefined;
  private generation = 0;
  private readonly subject: string | undefined;
  private stopped = false;

  constructor(
    private readonly log: FollowedStream,
    private readonly filters: readonly string[],
    after: number,
    private readonly onCommit: (commit: Commit) => void,
    private readonly onEnd: () => void,
  ) {
    this.progress = new FollowProgress(after);
    this.given = after;
    const [filter] = filters;
    this.subject = filters.length === 1 && filter !== undefined && !/[*>]/.test(filter) ? filter : undefined;
    void this.consume();
  }

  get position(): number {
    return this.progress.position;
  }

  get ended(): Promise<unknown> {
    return this.progress.ended;
  }

  /** The server may be another one now, which knows nothing of our consumer. */
  reconnected(): void {
    if (!this.stopped) void this.consume();
  }

  async waitFor(position: number): Promise<void> {
    if (position <= this.position) return;
    if (this.subject !== undefined) void this.lookBeyond(position, this.subject);
    await this.progress.reached(position);
  }

  async stop(): Promise<void> {
    this.end();
  }

  private end(error?: unknown): void {
    if (this.stopped) return;
    this.stopped = true;
    this.messages?.stop();
    this.progress.end(error);
    this.onEnd();
  }

  private async consume(): Promise<void> {
    const generation = ++this.generation;
    this.messages?.stop();
    this.messages = undefined;
    const isCurrent = (): boolean => !this.stopped && generation === this.generation;
    while (isCurrent()) {
      try {
        const consumer = await this.log.client.consumers.getPushConsumer(this.log.stream, {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: this.given + 1,
          ...(this.subject === undefined ? {} : { filter_subjects: this.subject }),
        });
        const messages = await consumer.consume({
          callback: (message) => {
            if (isCurrent()) this.give(message);
          },
        });
        this.messages = messages;
        if (!isCurrent()) messages.stop();
        await messages.closed();
        void consumer.delete().catch(() => undefined); // it would go by itself, later
      } catch (error) {
        if (this.log.connection.isClosed()) return this.end(unavailable('the connection to the log was closed', error));
      }
      if (isCurrent()) await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
    }
  }

  private give(message: JsMsg): void {
    const position = message.seq;
    if (position <= this.given) return;
    const { subject } = message;
    try {
      if (this.filters.some((filter) => matches(filter, subject))) this.onCommit(new ReadCommit(subject, position, (name) => message.headers?.get(name), message.string()));
    } catch (error) {
      // A fold that cannot go on must not look as if it did.
      this.end(error);
      return;
    }
    this.given = position;
    this.progress.advance(position);
  }

  /**
   * The commit at `position` may be none of ours, and then never comes here. Once the log has it, the newest of ours stands for it: asked for
   * afterwards, so that none of ours below `position` is missed.
   */
  private async lookBeyond(position: number, subject: string): Promise<void> {
    while (!this.stopped && position > this.position) {
      try {
        const { last_seq: last } = (await this.log.manager.streams.info(this.log.stream)).state;
        if (last >= position) {
          const newest = await this.newest(subject);
          if (newest > this.given) await this.progress.reached(newest);
          this.progress.advance(position);
          return;
        }
      } catch {
        if (this.log.connection.isClosed()) this.end(unavailable('the connection to the log was closed'));
      }
      await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
    }
  }

  private async newest(filter: string): Promise<number> {
    try {
      return (await this.log.manager.streams.getMessage(this.log.stream, { last_by_subj: filter }))?.seq ?? 0;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === noMessageFound) return 0;
      throw error;
    }
  }
}
