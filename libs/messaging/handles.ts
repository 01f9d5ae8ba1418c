import { applyDecorators, createParamDecorator, type ExecutionContext, UseFilters, UseInterceptors, UsePipes, ValidationPipe } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { getMetadataStorage } from 'class-validator';
import type { RequestClass, RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import { failpoint, failpointsAreUsed } from '#libs/failpoint/failpoint.js';
import { DryRunInterceptor } from './dry-run.js';
import { ErrorReplyFilter } from './error-reply-filter.js';
import { rememberRules } from './remembered-rules.js';
import { contextOf } from './request-context.js';

rememberRules(getMetadataStorage());

/** Who makes an instance of a class (class-transformer) leaves out what has a name of an object's own in JavaScript, labels too, and Nest some more, without a word: it is refused instead. */
class RequestValidation extends ValidationPipe {
  protected override stripProtoKeys(value: unknown): void {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
    if (Array.isArray(value)) return value.forEach((item: unknown) => this.stripProtoKeys(item));
    for (const [name, part] of Object.entries(value)) {
      if (name in Object.prototype) throw invalid(`Berth cannot keep what is called ${name}`);
      this.stripProtoKeys(part);
    }
  }
}

/** Every request passes through here on its way to a service: what its contract does not allow is refused. */
export const requestValidation = new RequestValidation({
  transform: true,
  exceptionFactory: (errors) => invalid(errors.flatMap(problemsOf).join('; ')),
});

interface Problem {
  readonly property: string;
  readonly constraints?: Record<string, string>;
  readonly children?: Problem[];
}

function problemsOf(problem: Problem): string[] {
  return [...Object.values(problem.constraints ?? {}), ...(problem.children ?? []).flatMap(problemsOf)];
}

/** Marks the method that answers one command or query. Its body is validated against the contract; what it throws becomes the error reply. */
export const Handles =
  (type: RequestClass<unknown>): MethodDecorator =>
  (target, key, descriptor) => {
    if (failpointsAreUsed) stopBeforeReply(type.subject, descriptor as PropertyDescriptor);
    return applyDecorators(MessagePattern(type.subject), UsePipes(requestValidation), UseFilters(new ErrorReplyFilter()), UseInterceptors(new DryRunInterceptor(type)))(target, key, descriptor);
  };

/** A crash after the effect and before the answer: the asker knows nothing. */
function stopBeforeReply(subject: string, descriptor: PropertyDescriptor): void {
  const handle = descriptor.value as (...args: unknown[]) => unknown;
  const name = `reply.${subject.split('.').slice(2).join('.')}`;
  descriptor.value = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const reply = await handle.apply(this, args);
    await failpoint(name);
    return reply;
  };
}

/** The validated request. */
export const Body = Payload;

/** Who asked, why and how (RequestContext). */
export const Asked = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext => contextOf(context));
