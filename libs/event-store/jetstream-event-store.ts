import { randomUUID } from 'node:crypto';
import { type ApiError, JetStreamApiError, jetstreamManager, type JetStreamManager, type PubAck, type StoredMsg } from '@nats-io/jetstream';
import { headers as newHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { BerthError, NotAppended, Stale, errorMessage, internal, invalid, unavailable } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { ReplyInbox } from '#libs/nats/reply-inbox.js';
import { FINE_BOUNDS, Histogram } from '#libs/telemetry/metrics/histogram.js';
import { ReadCommit, encodeCommit } from './commit-format.js';
import { ensureStream } from './ensure-stream.js';
import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from './event.js';
import type { AppendOptions, EventStore, Following } from './event-store.js';
import { LogFollowing } from './log-following.js';
import { type LogAddress, openLog } from './log-address.js';
import { LogFeed } from './log-feed.js';
import { endsSomething, type LogReserve } from './log-reserve.js';
import { LogRoom } from './log-room.js';
import { requireServerVersion } from './server-checks.js';

export interface EventStoreConnection extends LogAddress {
  /** Who appends: the ce-source of each commit, such as `/berth/containers`. */
  readonly source: string;
  /** Room on the log's disk for what ends something. Absent: a full disk takes no commit. The store closes it. */
  readonly reserve?: LogReserve | undefined;
  /** To how many bytes the server lets the log grow: the last of them are for what ends something. Absent: whatever comes is taken until the server refuses it. */
  readonly limit?: number | undefined;
}

const wrongLastSequence = 10071;
const noMessageFound = 10037;
/** Insufficient resources, storage failed, insufficient storage, maximum bytes exceeded. */
const FULL = new Set([10023, 10047, 10077, 10054]);
/** Space helps where the disk is full alone. */
const isDisk = (description: string): boolean => description.includes('no space');
const wayOut = (description: string): string => (isDisk(description) ? 'free space where nats-server keeps it' : "raise nats-server's limit, which is BERTH_LOG_LIMIT where the engine starts it, and start it again");
const full = (description: string): NotAppended => new NotAppended(`the log is full, nothing was changed: ${wayOut(description)} (${description})`);
const appendTimeoutMilliseconds = 5_000;
const appendDeadlineMilliseconds = 15_000;
const appendPauseMilliseconds = 100;
const questionTimeoutMilliseconds = 2_000;
const questionAttempts = 5;

/**
 * Connects to the log and creates its stream where it is missing. Reconnects for ever once it was connected. `feed`: one that is there already, and
 * stays its owner's; absent: the store has its own. Rejects with `unavailable` when no server answers, `internal` when the server is older than
 * 2.10.23 (those lost streams in a crash) or its stream cannot hold the log.
 */
export async function connectEventStore(options: EventStoreConnection, feed?: LogFeed): Promise<JetStreamEventStore> {
  const { source, stream = 'BERTH' } = options;
  const connection = await openLog(options, options.name);
  let own: LogFeed | undefined;
  try {
    requireServerVersion(connection.info?.version ?? '0');
    const manager = await jetstreamManager(connection, { timeout: questionTimeoutMilliseconds });
    await ensureStream(manager, stream);
    const shared = feed ?? (own = await LogFeed.connect(options));
    return new JetStreamEventStore(connection, manager, stream, new ReplyInbox(connection, options.inboxPrefix), source, shared, own, options.reserve, options.limit);
  } catch (error) {
    await Promise.all([connection.close(), own?.close()]);
    throw error;
  }
}

/** The log in a JetStream stream; made by `connectEventStore`, and owns its connections. */
export class JetStreamEventStore implements EventStore {
  /** Until the log had what was appended on disk; with `replaySeconds` from the beginning of a following until it had caught up. */
  readonly appendSeconds = new Histogram(FINE_BOUNDS);
  readonly replaySeconds = new Histogram();
  private readonly followings = new Set<LogFollowing>();
  private connected = true;
  private brokenBy: unknown;
  private readonly room: LogRoom | undefined;

  /** `own`: the feed, where no other store has it. */
  constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly stream: string,
    private readonly replies: ReplyInbox,
    private readonly source: string,
    private readonly feed: LogFeed,
    private readonly own?: LogFeed,
    private readonly reserve?: LogReserve,
    limit?: number,
  ) {
    this.room = limit === undefined ? undefined : new LogRoom(limit, async () => (await this.size()).bytes);
    void this.watchConnection();
  }

  /** Whether the server is there; when not, it is tried again for ever. */
  get isConnected(): boolean {
    return this.connected && !this.connection.isClosed() && !this.feed.connection.isClosed();
  }

  /** What ended a following that nobody had stopped, such as an error of a fold. */
  get failure(): unknown {
    return this.brokenBy;
  }

  async append<E extends DomainEvent>(
    subject: AggregateSubject,
    expected: Head,
    events: readonly [E, ...E[]],
    cause: Cause,
    options: AppendOptions = {},
  ): Promise<Commit<E>> {
    await failpoint('append.before');
    const mayTakeReserve = endsSomething(events);
    if (!mayTakeReserve && this.reserve?.isSpent === true) throw full('no space left on device');
    if (!mayTakeReserve && (await this.room?.isReserved()) === true) throw full('what is left is for what stops and removes');
    const { id = randomUUID(), time = new Date(), source = this.source } = options;
    const { headers, body, commit } = encodeCommit({ subject, id, time, source, cause, expected, events });
    const message = newHeaders();
    for (const [name, value] of headers) message.set(name, value);
    const start = performance.now();
    message.set('Nats-Msg-Id', id);
    message.set('Nats-Expected-Stream', this.stream);
    message.set('Nats-Expected-Last-Subject-Sequence', String(expected.sequence));
    const ack = await this.publish(subject, body, message, mayTakeReserve);
    this.appendSeconds.observe((performance.now() - start) / 1000);
    await failpoint('append.after');
    if (!ack.duplicate) return { ...commit, position: ack.seq };
    // Written before, perhaps at another time and by another cause: what lies in the log is what happened.
    const first = await this.commitAt(ack.seq);
    if (first === undefined) throw internal(`position ${ack.seq} of the log is missing`);
    return first as Commit<E>;
  }

  async read(subject: AggregateSubject): Promise<Commit[]> {
    const commits: Commit[] = [];
    await this.replay([subject], 0, (commit) => commits.push(commit));
    return commits;
  }

  async commitAt(position: number): Promise<Commit | undefined> {
    const stored = await this.stored({ seq: position });
    return stored === null ? undefined : new ReadCommit(stored.subject, stored.seq, (name) => stored.header.get(name), stored.string());
  }

  async replay(filters: readonly string[], after: number, onCommit: (commit: Commit) => void, to = Infinity): Promise<number> {
    const [filter] = filters;
    const subject = filters.length === 1 && filter !== undefined && !/[*>]/.test(filter) ? filter : undefined;
    const last = subject === undefined ? await this.readableTo() : await this.lastPosition();
    // Of one subject the server tells the newest; asked for after the log's, it may lie beyond.
    const until = Math.min(subject === undefined ? last : Math.min(await this.newest(subject), last), to);
    if (until <= after) return last;
    const ended = Promise.withResolvers<void>();
    const following = new LogFollowing(filters, after, onCommit, () => undefined);
    const reading = this.feed.read(after, subject, (message) => {
      if (message.seq <= until) following.give(message.seq, message.subject, () => new ReadCommit(message.subject, message.seq, (name) => message.headers?.get(name), message.string()));
      if (message.seq >= until && !following.isOver) ended.resolve(); // what ended it is told below
    }, ended.reject);
    try {
      await Promise.race([ended.promise, following.ended.then((error) => Promise.reject(error))]);
    } finally {
      reading.stop();
    }
    return last;
  }

  async follow(filters: readonly string[], after: number, onCommit: (commit: Commit) => void): Promise<Following> {
    const last = await this.readableTo();
    const start = performance.now();
    const ended = (): void => {
      this.followings.delete(following);
      this.feed.leave(following);
    };
    const following = new LogFollowing(filters, after, onCommit, ended, (position) => this.feed.hurry(position));
    void following.ended.then((failure) => (this.brokenBy ??= failure));
    this.followings.add(following);
    this.feed.join(following, last);
    try {
      await following.waitFor(last);
      this.replaySeconds.observe((performance.now() - start) / 1000);
    } catch (error) {
      await following.stop();
      throw error;
    }
    return following;
  }

  async lastPosition(): Promise<number> {
    return (await this.size()).position;
  }

  /** The newest commit's position, and the bytes that the log takes. */
  async size(): Promise<{ readonly position: number; readonly bytes: number }> {
    const { state } = await this.asking(() => this.manager.streams.info(this.stream));
    return { position: state.last_seq, bytes: state.bytes };
  }

  /** As `lastPosition`, for who reads until that comes: rejects where it never would, since somebody took the newest commits off the stream by another tool, which leaves its count as it was. */
  private async readableTo(): Promise<number> {
    const { state } = await this.asking(() => this.manager.streams.info(this.stream));
    const { messages, first_seq: first, last_seq: last } = state;
    const hasGaps = last > 0 && (messages === 0 || messages <= last - first);
    if (hasGaps && (await this.stored({ seq: last })) === null) throw internal(`the newest commits of the log are missing: position ${last} was taken off the stream ${this.stream} by somebody else's tool. Put back nats-server's files as they were, from a backup`);
    return last;
  }

  /** How far the slowest following has come; undefined without one. */
  get followedTo(): number | undefined {
    return this.followings.size === 0 ? undefined : Math.min(...Array.from(this.followings, ({ position }) => position));
  }

  async close(): Promise<void> {
    for (const following of this.followings) await following.stop();
    await this.own?.close();
    this.reserve?.close();
    if (!this.connection.isClosed()) await this.connection.close();
  }

  private async watchConnection(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect') this.connected = false;
      if (type === 'reconnect') this.connected = true;
    }
  }

  /** Repeats on silence: the id makes a second try safe, so a lost acknowledgement is not an unknown outcome. */
  private async publish(subject: AggregateSubject, body: string, headers: MsgHdrs, mayTakeReserve: boolean): Promise<PubAck> {
    const deadline = performance.now() + appendDeadlineMilliseconds;
    for (;;) {
      try {
        const { error, ...ack } = (await this.replies.ask(subject, body, headers, appendTimeoutMilliseconds)).json<PubAck & { readonly error?: ApiError }>();
        if (error === undefined) return ack;
        if (error.err_code === wrongLastSequence) throw new Stale(subject);
        if (FULL.has(error.err_code)) {
          if (mayTakeReserve && isDisk(error.description) && this.reserve?.spend() === true) continue;
          throw full(error.description);
        }
        if (error.code >= 400 && error.code < 500) throw internal(`the log refused an event of ${subject}: ${error.description}`);
        throw new Error(error.description);
      } catch (error) {
        if (error instanceof BerthError) throw error;
        const bytes = Buffer.byteLength(body);
        if (bytes > (this.connection.info?.max_payload ?? Infinity) - 4096) {
          throw invalid(`a change of ${subject} is too large for the log: ${bytes} bytes`, error);
        }
        if (performance.now() > deadline || this.connection.isClosed()) {
          throw unavailable(`the log did not answer for ${subject}: ${errorMessage(error)}`, error);
        }
        await new Promise((resolve) => setTimeout(resolve, appendPauseMilliseconds));
      }
    }
  }

  /** Position of a subject's newest commit, 0 for none. */
  private async newest(subject: AggregateSubject): Promise<number> {
    return (await this.stored({ last_by_subj: subject }))?.seq ?? 0;
  }

  private stored(query: { readonly seq: number } | { readonly last_by_subj: string }): Promise<StoredMsg | null> {
    return this.asking(() =>
      this.manager.streams.getMessage(this.stream, query).catch((error: unknown) => {
        if (error instanceof JetStreamApiError && error.code === noMessageFound) return null;
        throw error;
      }),
    );
  }

  /** A question is asked again: one that was on its way when the server died is answered by nobody. */
  private async asking<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask();
      } catch (error) {
        if (attempt >= questionAttempts || this.connection.isClosed()) throw unavailable(`the log did not answer: ${errorMessage(error)}`, error);
      }
    }
  }
}
