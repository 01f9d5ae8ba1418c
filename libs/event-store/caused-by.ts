import type { Cause, Commit } from './event.js';

/** The cause of what `actor` does because of a commit: the same correlation and the same trace. */
export function causedBy({ id, cause }: Commit, actor: string): Cause {
  return { actor, correlationId: cause.correlationId, causationId: id, ...(cause.traceparent === undefined ? {} : { traceparent: cause.traceparent }) };
}
