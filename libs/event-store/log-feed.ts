import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { LogFollowing } from './log-following.js';
import { openLog, type LogAddress } from './log-address.js';
import { LogReader, type LogStream, type MessageHandler } from './log-reader.js';
import { LogTail } from './log-tail.js';

/**
 * What is read of the log, on a connection of its own: replays come as fast as the socket takes them, and would keep answers waiting. The stores of
 * one process may share a feed: each commit then comes to the process once, and its bytes are made out once.
 */
export class LogFeed {
  private readonly readers = new Set<LogReader>();
  private tail: LogTail | undefined;

  private constructor(private readonly log: LogStream) {
    void this.watchConnection();
  }

  /** Reconnects for ever once it was connected. Rejects with `unavailable` when no server answers. */
  static async connect(address: LogAddress): Promise<LogFeed> {
    const connection = await openLog(address, `${address.name} reading`);
    return new LogFeed({ connection, client: jetstream(connection), stream: address.stream ?? 'BERTH' });
  }

  get connection(): NatsConnection {
    return this.log.connection;
  }

  /** Adds one who follows. `last`: the log's last position, or one before it. */
  join(following: LogFollowing, last: number): void {
    (this.tail ??= new LogTail(this.log, last)).join(following);
  }

  leave(following: LogFollowing): void {
    this.tail?.leave(following);
  }

  /** Reads from `after` on, of one `subject` where it is given, until `stop` is called. `onEnd`: the connection was closed. */
  read(after: number, subject: string | undefined, onMessage: MessageHandler, onEnd: (error: unknown) => void): { readonly stop: () => void } {
    const reader = new LogReader(this.log, after, subject, onMessage, onEnd);
    this.readers.add(reader);
    const stop = (): void => {
      this.readers.delete(reader);
      reader.stop();
    };
    return { stop };
  }

  /** Ends all that follow. A second call changes nothing. */
  async close(): Promise<void> {
    this.tail?.close();
    if (!this.connection.isClosed()) await this.connection.close();
  }

  private async watchConnection(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== 'reconnect') continue;
      this.tail?.reconnected();
      for (const reader of this.readers) reader.reconnected();
    }
  }
}
