import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import type { NatsContext } from '@nestjs/microservices';
import type { MsgHdrs } from '@nats-io/transport-node';
import { type Observable, throwError } from 'rxjs';
import { BerthError, toErrorReply } from '#libs/errors/errors.js';
import { logger } from '#libs/telemetry/logger.js';
import { currentSpan } from '#libs/telemetry/tracing.js';
import { readContext } from './bus-headers.js';

/** What a handler threw, as kind and text. What nobody foresaw is our fault: it is logged here with its stack, since the caller sees only the text. */
@Catch()
export class ErrorReplyFilter implements RpcExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): Observable<never> {
    currentSpan()?.fail(error);
    if (!(error instanceof BerthError)) report(error, host.switchToRpc().getContext<NatsContext>());
    return throwError(() => toErrorReply(error));
  }
}

function report(error: unknown, request: NatsContext): void {
  const subject = request.getSubject();
  const { correlationId } = readContext(request.getHeaders() as MsgHdrs | undefined);
  logger(subject.split('.')[2] ?? 'bus').error('a request failed as nobody foresaw', { request: subject, correlationId, error });
}
