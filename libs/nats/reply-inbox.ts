import { randomUUID } from 'node:crypto';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';

export type Silence = 'nobody listens' | 'no answer in time' | 'the connection was lost' | 'who was asked has ended';

/** No answer came. What was asked may have been done, but where nobody listened. */
export class NoAnswer extends Error {
  constructor(readonly why: Silence) {
    super(why);
  }
}

/** A request under way. */
export interface Pending {
  readonly subject: string;
  /** As performance.now() tells it. */
  readonly at: number;
}

interface Asked extends Pending {
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: NoAnswer) => void;
  readonly timer: NodeJS.Timeout;
}

const NO_RESPONDERS = 503;

/**
 * Requests of one connection, whose answers all come by one subscription. The client's own request makes two errors, for their stacks, and four promises
 * each time, and waits for a lost answer until its timeout; here what is under way when the connection is lost is told so at once.
 * Where each answer goes can be guessed by nobody, though anybody can have the log answer him, or deliver, there: who is asked learns of his own question alone.
 */
export class ReplyInbox {
  private readonly inbox: string;
  private readonly asked = new Map<string, Asked>();
  private connected = true;

  /** `inboxPrefix`: a prefix of subjects that only this connection's user may listen to. The connection stays its owner's. */
  constructor(
    private readonly connection: NatsConnection,
    inboxPrefix = '_INBOX',
  ) {
    this.inbox = `${inboxPrefix}.${randomUUID()}`; // those of createInbox() follow one upon another
    connection.subscribe(`${this.inbox}.*`, { callback: (_error, message) => this.answered(message) });
    void this.watch();
  }

  /** Rejects with NoAnswer, and with the client's own error for what it cannot send. */
  ask(subject: string, payload: string, headers: MsgHdrs, timeoutMs: number): Promise<Msg> {
    // The client would keep what is sent now, and may lose it.
    if (!this.connected) return Promise.reject(new NoAnswer('the connection was lost'));
    const token = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.take(token)?.reject(new NoAnswer('no answer in time')), timeoutMs);
      this.asked.set(token, { subject, at: performance.now(), resolve, reject, timer });
      try {
        this.connection.publish(subject, payload, { reply: `${this.inbox}.${token}`, headers });
      } catch (error) {
        this.take(token);
        reject(error);
      }
    });
  }

  get pending(): Iterable<Pending> {
    return this.asked.values();
  }

  /** Rejects those requests under way of which `ended` knows that nobody is left to answer them. */
  giveUp(ended: (request: Pending) => boolean): void {
    for (const [token, request] of [...this.asked]) if (ended(request)) this.take(token)?.reject(new NoAnswer('who was asked has ended'));
  }

  private answered(message: Msg): void {
    const asked = this.take(message.subject.slice(this.inbox.length + 1));
    if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) asked?.reject(new NoAnswer('nobody listens'));
    else asked?.resolve(message);
  }

  private take(token: string): Asked | undefined {
    const asked = this.asked.get(token);
    if (asked === undefined) return undefined;
    this.asked.delete(token);
    clearTimeout(asked.timer);
    return asked;
  }

  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'reconnect') this.connected = true;
      if (type === 'disconnect' || type === 'close') this.lose();
    }
    this.lose();
  }

  private lose(): void {
    this.connected = false;
    for (const token of [...this.asked.keys()]) this.take(token)?.reject(new NoAnswer('the connection was lost'));
  }
}
