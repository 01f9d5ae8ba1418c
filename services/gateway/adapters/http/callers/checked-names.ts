import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { CheckedNames } from '../../../application/access-control.js';

const checked = new WeakMap<IncomingMessage, CheckedNames>();

/** For the controller: what names in the body stood for when the request was let in. */
export function keepChecked(request: IncomingMessage, names: CheckedNames | undefined): void {
  if (names !== undefined) checked.set(request, names);
}

/** A controller parameter: whom the names in a body were decided by; undefined where nothing was. */
export const Checked = createParamDecorator((_: unknown, context: ExecutionContext): CheckedNames | undefined => checked.get(context.switchToHttp().getRequest<FastifyRequest>().raw));
