import { randomBytes } from 'node:crypto';
import { headers as newHeaders, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { NoAnswer, type ReplyInbox } from '#libs/nats/reply-inbox.js';
import { ownHeaders } from './bus-headers.js';
import { isRequest } from './requests-alone.js';

/** Names what is left of a reply, for who asks for it. */
const REST = 'Berth-Rest';
/** What a message's headers may take of the payload that the server allows. */
const ROOM_FOR_HEADERS = 4096;
/** UTF-8 has at most so many bytes for what counts as one in a JavaScript string. */
const MOST_BYTES = 3;
/** An asker comes at once, or not at all. */
const KEPT_MS = 30_000;

const subjectOf = (service: string): string => `berth.query.${service}.rest`;

/**
 * Replies that are longer than a message may be, such as the list of 20 000 containers. nats-server lets a service answer a request once, so the first part says that
 * there is more, and its asker comes for each further one. The reply is kept as it was made until then: a list is of one moment.
 */
export class LongReplies {
  private readonly kept = new Map<string, { readonly rest: Buffer; readonly timer: NodeJS.Timeout }>();

  constructor(private readonly connection: NatsConnection) {}

  /** Gives further parts to who names them. A service has one process, so that they are here. */
  serve(service: string): void {
    const subject = subjectOf(service);
    this.connection.subscribe(subject, {
      callback: (_error, message) => void (isRequest(message, subject) && this.give(message, this.take(message.string()))),
    });
  }

  answer(request: Msg, reply: string): void {
    if (reply.length * MOST_BYTES <= this.room) request.respond(reply);
    else this.give(request, Buffer.from(reply));
  }

  private get room(): number {
    return (this.connection.info?.max_payload ?? Infinity) - ROOM_FOR_HEADERS;
  }

  private give(request: Msg, reply: Buffer): void {
    const { room } = this;
    if (reply.length <= room) return void request.respond(reply);
    const name = randomBytes(16).toString('hex');
    this.kept.set(name, { rest: reply.subarray(room), timer: setTimeout(() => this.take(name), KEPT_MS).unref() });
    const headers = newHeaders();
    headers.set(REST, name);
    request.respond(reply.subarray(0, room), { headers });
  }

  /** Empty: it is not here any more. */
  private take(name: string): Buffer {
    const kept = this.kept.get(name);
    clearTimeout(kept?.timer);
    this.kept.delete(name);
    return kept?.rest ?? Buffer.alloc(0);
  }
}

/** `first` as JSON, with what its service has left of it. Rejects with NoAnswer where that is lost. */
export async function wholeReply<T>(first: Msg, service: string, replies: ReplyInbox, timeoutMs: number): Promise<T> {
  let rest = first.headers?.get(REST);
  if (!rest) return first.json<T>();
  const parts = [first.data];
  while (rest) {
    const next = await replies.ask(subjectOf(service), rest, ownHeaders(), timeoutMs);
    if (next.data.length === 0) throw new NoAnswer('who was asked has ended');
    parts.push(next.data);
    rest = next.headers?.get(REST);
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as T; // as first.json()
}
