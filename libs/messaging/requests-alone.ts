import type { Msg } from '@nats-io/transport-node';
import { namesActor } from './bus-headers.js';

/** Of all users: permissions.ts. */
const INBOXES = '_INBOX';

/**
 * Whether what came by a subscription to `subject` was sent there, by one who may, for an answer to himself. nats-server looks at where a client publishes and at nothing else, so that
 * the rights alone would let anybody speak through others:
 * - a consumer of the log delivers wherever its maker says. What it delivers has a commit's subject.
 * - An answer, the log's own or a service's, goes wherever its asker says, and may hold what he wished. It names no actor, which each request does.
 * - What a service answers it may publish wherever it was told to, such as `$JS.API.STREAM.DELETE.BERTH`: so it answers into inboxes alone.
 */
export function isRequest({ subject: sentTo, headers, reply }: Msg, subject: string): boolean {
  return sentTo === subject && namesActor(headers) && (!reply || reply.startsWith(INBOXES));
}
