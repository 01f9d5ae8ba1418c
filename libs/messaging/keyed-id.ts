import { createHash, randomBytes } from 'node:crypto';

/**
 * The id of something new: 64 hex digits. Of a request with an idempotency key it follows from the key, so that the same request again means the same
 * thing; `what` tells apart several new things of one request.
 */
export function keyedId(what: string, idempotencyKey: string | undefined): string {
  return idempotencyKey === undefined ? randomBytes(32).toString('hex') : createHash('sha256').update(`${what}\n${idempotencyKey}`).digest('hex');
}
