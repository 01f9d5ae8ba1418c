import { type ClientNats, NatsRecordBuilder } from '@nestjs/microservices';
import { firstValueFrom, timeout, TimeoutError } from 'rxjs';
import type { DryRunReply, RequestClass, RequestContext } from '#contracts/request.js';
import { BerthError, type ErrorReply, fromErrorReply, internal, unavailable } from '#libs/errors/errors.js';
import { writeContext } from './bus-headers.js';

export interface RequestOptions {
  /** Until the request rejects as unavailable. Default 30 s. */
  readonly timeoutMs?: number;
}

/** Commands and queries to other services. A reply is typed by its request; an error is a BerthError of the kind that was thrown. */
export class Bus {
  constructor(private readonly client: ClientNats) {}

  async request<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options: RequestOptions = {}): Promise<Reply> {
    const record = new NatsRecordBuilder(data).setHeaders(writeContext(context)).build();
    const reply = this.client.send<Reply>(type.subject, record).pipe(timeout(options.timeoutMs ?? 30_000));
    try {
      const answer = await firstValueFrom(reply);
      if (context.planned && isDryRunReply(answer)) context.planned.push(...answer.wouldAppend);
      return answer;
    } catch (error) {
      throw asBerthError(error, type.subject);
    }
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

function isDryRunReply(answer: unknown): answer is DryRunReply {
  return typeof answer === 'object' && answer !== null && 'wouldAppend' in answer;
}

function asBerthError(error: unknown, subject: string): BerthError {
  if (error instanceof BerthError) return error;
  if (isErrorReply(error)) return fromErrorReply(error);
  const service = subject.split('.')[2] ?? subject;
  if (error instanceof TimeoutError) return unavailable(`the ${service} service did not answer ${subject} in time`, error);
  const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  // Nest words a request that nobody subscribes to as "Empty response" or "no responders".
  if (/no.?responders|empty response/i.test(text)) return unavailable(`the ${service} service is not running`, error);
  return internal(`${subject}: ${text}`, error);
}

function isErrorReply(error: unknown): error is ErrorReply {
  return typeof error === 'object' && error !== null && 'kind' in error && 'message' in error;
}
