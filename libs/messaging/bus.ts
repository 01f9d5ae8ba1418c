import type { NatsConnection } from '@nats-io/transport-node';
import type { DryRunReply, RequestClass, RequestContext } from '#contracts/request.js';
import { BerthError, type ErrorReply, errorMessage, fromErrorReply, internal } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { NoAnswer, ReplyInbox } from '#libs/nats/reply-inbox.js';
import { causedHere, isTracing, traced } from '#libs/telemetry/tracing.js';
import { askAgain, PAUSE_MS } from './ask-again.js';
import { writeContext } from './bus-headers.js';
import { LifeSigns } from './life-signs.js';
import type { LocalServices } from './local-services.js';
import { wholeReply } from './long-replies.js';
import type { ReplyPacket } from './service-transport.js';
import { spanName } from './span-name.js';

export interface RequestOptions {
  /** Until the request rejects as unavailable. Default 30 s. */
  readonly timeoutMs?: number;
  /**
   * For a request that may be carried out twice: it is asked again, until `timeoutMs`, while nobody listens, and after so long without an answer, which
   * may have died with the service; the first answer to any asking is the one. Infinity: only while nobody listens, or when the bus was lost or the service ended meanwhile. Absent: a command is asked until somebody listens,
   * for 10 s, since nothing can have been done before; a query as with Infinity.
   */
  readonly askAgainMs?: number;
  /** From its abort on it is not asked again. Whoever does not wait for the answer either leaves by himself. */
  readonly signal?: AbortSignal;
}

/** A service that was killed is back by then. */
const STARTS_WITHIN_MS = 10_000;

/** Nobody listened, or nobody answered: the one failure that may be mended by asking again. */
class Silence extends BerthError {
  constructor(
    message: string,
    override readonly cause: NoAnswer,
  ) {
    super('unavailable', message, { cause });
  }
}

/**
 * Commands and queries to other services, which Nest's NATS transport hands to their methods. A reply is typed by its request; an error is a BerthError of the
 * kind that was thrown. Nest's own client subscribes anew for each reply, which costs the server more than the message.
 */
export class Bus {
  private readonly replies: ReplyInbox;
  private readonly signs: LifeSigns;
  private asked = 0;

  /** `service`: whose requests these are, and the user whose inboxes are its own. `local`: the process's own services. The connection is owned: `close` closes it. */
  constructor(
    private readonly connection: NatsConnection,
    private readonly service: string,
    private readonly local: LocalServices,
    inboxPrefix?: string,
  ) {
    this.replies = new ReplyInbox(connection, inboxPrefix);
    this.signs = new LifeSigns(connection, this.replies);
  }

  request<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options: RequestOptions = {}): Promise<Reply> {
    if (!isTracing()) return this.askUntil(type, data, context, options);
    const span = { kind: 'client', parent: context.traceparent, service: this.service, attributes: { 'messaging.system': 'nats', 'messaging.destination.name': type.subject } } as const;
    return traced(spanName(type.subject), () => this.askUntil(type, data, causedHere(context), options), span);
  }

  async close(): Promise<void> {
    this.signs.stop();
    await this.connection.close();
  }

  private async askUntil<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options: RequestOptions): Promise<Reply> {
    const { timeoutMs = 30_000, askAgainMs = type.subject.startsWith('berth.query.') ? Infinity : undefined } = options;
    const began = performance.now();
    const deadline = began + timeoutMs;
    const name = type.subject.split('.').slice(2).join('.');
    await failpoint(`request.${name}.before`);
    const reply = await askAgain(() => this.ask(type, data, context, deadline - performance.now()), {
      everyMs: askAgainMs !== undefined && askAgainMs < timeoutMs ? askAgainMs : Infinity,
      isSilence: (failure) => failure instanceof Silence,
      mayMend: (silence) => {
        if (!(silence instanceof Silence) || this.connection.isClosed() || options.signal?.aborted) return false;
        const until = askAgainMs !== undefined ? deadline : silence.cause.why === 'nobody listens' ? Math.min(began + STARTS_WITHIN_MS, deadline) : began;
        return performance.now() + PAUSE_MS < until;
      },
      unanswered: () => asBerthError(new NoAnswer('no answer in time'), type.subject),
    });
    await failpoint(`request.${name}.after`);
    return reply;
  }

  private async ask<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, timeout: number): Promise<Reply> {
    const { subject } = type;
    const { err, response } = await (this.askHere(subject, data, context, timeout) ?? this.askOverBus(subject, data, context, timeout));
    if (err !== undefined && err !== null) throw isErrorReply(err) ? fromErrorReply(err) : internal(`${subject}: ${JSON.stringify(err)}`);
    if (context.planned && isDryRunReply(response)) context.planned.push(...response.wouldAppend);
    return response as Reply; // the contract says so, and the service's own types hold it
  }

  private askOverBus(subject: string, data: object, context: RequestContext, timeout: number): Promise<ReplyPacket> {
    const packet = JSON.stringify({ pattern: subject, data, id: String(++this.asked) });
    this.signs.watch();
    return this.replies
      .ask(subject, packet, writeContext(context), timeout)
      .then((answer) => wholeReply<ReplyPacket>(answer, serviceOf(subject), this.replies, timeout))
      .catch((error: unknown) => {
        throw asBerthError(error, subject);
      });
  }

  private askHere(subject: string, data: object, context: RequestContext, timeout: number): Promise<ReplyPacket> | undefined {
    const answer = this.local.answer(subject, data, writeContext(context));
    if (answer === undefined) return undefined;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(asBerthError(new NoAnswer('no answer in time'), subject)), timeout);
      void answer.then((packet) => {
        clearTimeout(timer);
        resolve(packet);
      });
    });
  }
}

const serviceOf = (subject: string): string => subject.split('.')[2] ?? subject;

function isDryRunReply(answer: unknown): answer is DryRunReply {
  return typeof answer === 'object' && answer !== null && 'wouldAppend' in answer;
}

function asBerthError(error: unknown, subject: string): BerthError {
  const service = serviceOf(subject);
  if (!(error instanceof NoAnswer)) return internal(`${subject}: ${errorMessage(error)}`, error);
  switch (error.why) {
    case 'nobody listens':
      return new Silence(`the ${service} service is not running`, error);
    case 'no answer in time':
      return new Silence(`the ${service} service did not answer ${subject} in time`, error);
    case 'who was asked has ended':
      return new Silence(`the ${service} service ended before it answered ${subject}`, error);
    case 'the connection was lost':
      return new Silence('the bus was lost before an answer came', error);
  }
}

function isErrorReply(error: unknown): error is ErrorReply {
  return typeof error === 'object' && error !== null && 'kind' in error && 'message' in error;
}
