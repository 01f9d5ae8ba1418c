import { type ClientNats, NatsRecordBuilder } from '@nestjs/microservices';
import { setTimeout as delay } from 'node:timers/promises';
import { firstValueFrom, timeout, TimeoutError } from 'rxjs';
import type { DryRunReply, RequestClass, RequestContext } from '#contracts/request.js';
import { BerthError, type ErrorReply, fromErrorReply, internal } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { causedHere, isTracing, traced } from '#libs/telemetry/tracing.js';
import { writeContext } from './bus-headers.js';
import { spanName } from './span-name.js';

export interface RequestOptions {
  /** Until the request rejects as unavailable. Default 30 s. */
  readonly timeoutMs?: number;
  /**
   * For a request that may be carried out twice: it is asked again, until `timeoutMs`, while nobody listens, and after so long without an answer, which
   * may have died with the service. Infinity: only while nobody listens, so that it is carried out at most once. Absent: asked once.
   */
  readonly askAgainMs?: number;
}

const PAUSE_MS = 50;

/** Nobody listened, or nobody answered: the one failure that may be mended by asking again. */
class Silence extends BerthError {
  constructor(message: string, cause: unknown) {
    super('unavailable', message, { cause });
  }
}

/** Commands and queries to other services. A reply is typed by its request; an error is a BerthError of the kind that was thrown. */
export class Bus {
  /** `service`: whose requests these are. */
  constructor(
    private readonly client: ClientNats,
    private readonly service: string,
  ) {}

  request<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options: RequestOptions = {}): Promise<Reply> {
    if (!isTracing()) return this.askUntil(type, data, context, options);
    const span = { kind: 'client', parent: context.traceparent, service: this.service, attributes: { 'messaging.system': 'nats', 'messaging.destination.name': type.subject } } as const;
    return traced(spanName(type.subject), () => this.askUntil(type, data, causedHere(context), options), span);
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private async askUntil<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options: RequestOptions): Promise<Reply> {
    const { timeoutMs = 30_000, askAgainMs } = options;
    const deadline = Date.now() + timeoutMs;
    const name = type.subject.split('.').slice(2).join('.');
    await failpoint(`request.${name}.before`);
    for (;;) {
      const left = deadline - Date.now();
      try {
        const reply = await this.ask(type, data, context, Math.min(left, askAgainMs ?? left));
        await failpoint(`request.${name}.after`);
        return reply;
      } catch (error) {
        if (askAgainMs === undefined || !(error instanceof Silence) || Date.now() + PAUSE_MS >= deadline) throw error;
        await delay(PAUSE_MS);
      }
    }
  }

  private async ask<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, timeoutMs: number): Promise<Reply> {
    const record = new NatsRecordBuilder(data).setHeaders(writeContext(context)).build();
    const reply = this.client.send<Reply>(type.subject, record).pipe(timeout(timeoutMs));
    try {
      const answer = await firstValueFrom(reply);
      if (context.planned && isDryRunReply(answer)) context.planned.push(...answer.wouldAppend);
      return answer;
    } catch (error) {
      throw asBerthError(error, type.subject);
    }
  }
}

function isDryRunReply(answer: unknown): answer is DryRunReply {
  return typeof answer === 'object' && answer !== null && 'wouldAppend' in answer;
}

function asBerthError(error: unknown, subject: string): BerthError {
  if (error instanceof BerthError) return error;
  if (isErrorReply(error)) return fromErrorReply(error);
  const service = subject.split('.')[2] ?? subject;
  if (error instanceof TimeoutError) return new Silence(`the ${service} service did not answer ${subject} in time`, error);
  const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  // Nest words a request that nobody subscribes to as "Empty response" or "no responders".
  if (/no.?responders|empty response/i.test(text)) return new Silence(`the ${service} service is not running`, error);
  return internal(`${subject}: ${text}`, error);
}

function isErrorReply(error: unknown): error is ErrorReply {
  return typeof error === 'object' && error !== null && 'kind' in error && 'message' in error;
}
