import { Catch, Logger, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { BerthError, toErrorReply } from '#libs/errors/errors.js';
import { currentSpan } from '#libs/telemetry/tracing.js';

/** What a handler threw, as kind and text. What nobody foresaw is our fault: it is logged here with its stack, since the caller sees only the text. */
@Catch()
export class ErrorReplyFilter implements RpcExceptionFilter {
  private readonly logger = new Logger('bus');

  catch(error: unknown): Observable<never> {
    if (!(error instanceof BerthError)) this.logger.error(error instanceof Error ? error.stack : error);
    currentSpan()?.fail(error);
    return throwError(() => toErrorReply(error));
  }
}
