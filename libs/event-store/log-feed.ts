import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { LogEnd } from './log-end.js';
import type { LogFollowing } from './log-following.js';
import { openLog, type LogAddress } from './log-address.js';
import { LogReader, type LogStream, type MessageHandler } from './log-reader.js';
import { LogRounds } from './log-rounds.js';
import { LogTail } from './log-tail.js';

/**
 * What is read of the log, on a connection of its own: replays come as fast as the socket takes them, and would keep answers waiting. The stores of
 * one process may share a feed: each commit then comes to the process once, and its bytes are made out once.
 */
export class LogFeed {
  private readonly readers = new Set<LogReader>();
  private end: LogEnd | undefined;

  private constructor(
    private readonly log: LogStream,
    private readonly endAfter: (last: number) => LogEnd,
  ) {
    void this.watchConnection();
  }

  /** Each commit is given as it comes. Reconnects for ever once it was connected. Rejects with `unavailable` when no server answers. */
  static async connect(address: LogAddress): Promise<LogFeed> {
    const log = await openStream(address);
    return new LogFeed(log, (last) => new LogTail(log, last));
  }

  /** As `connect`, but that what others append is given up to `everyMs` later, all in one piece: see LogRounds. Whoever waits for a position does not wait so long. */
  static async connectInRounds(address: LogAddress, everyMs: number): Promise<LogFeed> {
    const log = await openStream(address);
    const manager = await jetstreamManager(log.connection, { checkAPI: false });
    const lastPosition = async (): Promise<number> => (await manager.streams.info(log.stream)).state.last_seq;
    return new LogFeed(log, () => new LogRounds(log, lastPosition, everyMs));
  }

  get connection(): NatsConnection {
    return this.log.connection;
  }

  /** Adds one who follows. `last`: the log's last position, or one before it. */
  join(following: LogFollowing, last: number): void {
    (this.end ??= this.endAfter(last)).join(following, last);
  }

  leave(following: LogFollowing): void {
    this.end?.leave(following);
  }

  /** Somebody waits for what is at this position. */
  hurry(position: number): void {
    this.end?.hurry(position);
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
    this.end?.close();
    if (!this.connection.isClosed()) await this.connection.close();
  }

  private async watchConnection(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== 'reconnect') continue;
      this.end?.reconnected();
      for (const reader of this.readers) reader.reconnected();
    }
  }
}

async function openStream(address: LogAddress): Promise<LogStream> {
  const connection = await openLog(address, `${address.name} reading`);
  return { connection, client: jetstream(connection), stream: address.stream ?? 'BERTH' };
}
