import { headers as createHeaders, type MsgHdrs } from '@nats-io/transport-node';
import type { RequestContext } from '#contracts/request.js';

const ACTOR = 'berth-actor';
const CORRELATION = 'berth-correlation-id';
const CAUSATION = 'berth-causation-id';
const TRACEPARENT = 'traceparent';
const IDEMPOTENCY = 'berth-idempotency-key';
const DRY_RUN = 'berth-dry-run';

/** Who asked and why, as headers: a body holds only what was asked. */
export function writeContext(context: RequestContext): MsgHdrs {
  const headers = createHeaders();
  headers.set(ACTOR, context.actor);
  headers.set(CORRELATION, context.correlationId);
  headers.set(CAUSATION, context.causationId);
  if (context.traceparent) headers.set(TRACEPARENT, context.traceparent);
  if (context.idempotencyKey) headers.set(IDEMPOTENCY, context.idempotencyKey);
  if (context.dryRun) headers.set(DRY_RUN, '1');
  return headers;
}

/** Of what the bus asks on its own account. */
export function ownHeaders(): MsgHdrs {
  const headers = createHeaders();
  headers.set(ACTOR, 'bus');
  return headers;
}

export const namesActor = (headers: MsgHdrs | undefined): boolean => Boolean(headers?.get(ACTOR));

export function readContext(headers: MsgHdrs | undefined): RequestContext {
  const get = (name: string): string => headers?.get(name) ?? '';
  const traceparent = get(TRACEPARENT);
  const idempotencyKey = get(IDEMPOTENCY);
  return {
    actor: get(ACTOR) || 'unknown',
    correlationId: get(CORRELATION),
    causationId: get(CAUSATION),
    ...(traceparent ? { traceparent } : {}),
    ...(idempotencyKey ? { idempotencyKey } : {}),
    ...(get(DRY_RUN) ? { dryRun: true, planned: [] } : {}),
  };
}
