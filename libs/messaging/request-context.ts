import type { ExecutionContext } from '@nestjs/common';
import type { NatsContext } from '@nestjs/microservices';
import type { MsgHdrs } from '@nats-io/transport-node';
import type { RequestContext } from '#contracts/request.js';
import { readContext } from './bus-headers.js';

const contexts = new WeakMap<object, RequestContext>();

/** Who asked, why and how: one object for all who handle one message. */
export function contextOf(context: ExecutionContext): RequestContext {
  const message = context.switchToRpc().getContext<NatsContext>();
  const known = contexts.get(message);
  if (known !== undefined) return known;
  const read = readContext(message.getHeaders() as MsgHdrs | undefined);
  contexts.set(message, read);
  return read;
}
