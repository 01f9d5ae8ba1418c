import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import type { RequestClass } from '#contracts/request.js';
import { notImplemented } from '#libs/errors/errors.js';
import { contextOf } from './request-context.js';

/** Refuses a dry run of a command that cannot be tried, and adds to the reply of one that can what it would append. Queries change nothing anyway. */
export class DryRunInterceptor implements NestInterceptor {
  constructor(private readonly type: RequestClass<unknown>) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { planned } = contextOf(context);
    if (planned === undefined || this.type.subject.startsWith('berth.query.')) return next.handle();
    if (!this.type.dryRun) throw notImplemented(`a dry run of ${this.type.subject.replace('berth.command.', '')} is not possible`);
    if (this.type.dryRun === 'streamed') return next.handle();
    return next.handle().pipe(map((reply: object) => ({ ...reply, wouldAppend: planned })));
  }
}
