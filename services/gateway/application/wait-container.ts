import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerStatus, ContainerView } from '#contracts/containers/container-state.js';
import type { WaitCondition } from '#contracts/containers/queries.js';
import { WaitContainer } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, errorMessage } from '#libs/errors/errors.js';
import type { ContainerFeed } from './container-feed.js';
import type { EngineClient } from './engine-client.js';

export interface WaitResult {
  readonly StatusCode: number;
  readonly Error?: { readonly Message: string };
}

/** One bus request at most this long, in ms: nobody can take it back, and what waits for its answer goes with it. */
const ROUND_MS = 60_000;
/** Before the next round where one was not answered, as when its service ended in the midst of it. */
const PAUSE_MS = 1_000;

/** In these the newest run is not over. */
const GOES_ON: ReadonlySet<ContainerStatus> = new Set<ContainerStatus>(['running', 'paused', 'removing']);

/** The run whose end a client waits for that asks now. */
export function waitedRun({ status, startNumber }: Pick<ContainerView, 'status' | 'startNumber'>, condition: WaitCondition): number {
  if (GOES_ON.has(status)) return startNumber;
  return condition === 'next-exit' || status === 'restarting' ? startNumber + 1 : startNumber;
}

/**
 * Waits for what `container` as it is now comes to. The containers service answers; what happens between two rounds, or while that service starts again, is heard of
 * from the log. `registered` resolves once the first request was sent; `result` when the condition holds. `result` never rejects: the answer's headers are gone by then. It is there at once
 * for a client that leaves.
 */
export function waitContainer(engine: EngineClient, feed: ContainerFeed, container: Pick<ContainerView, 'id' | 'status' | 'startNumber' | 'exitCode'>, condition: WaitCondition, context: RequestContext, abort: AbortSignal): { registered: Promise<void>; result: Promise<WaitResult> } {
  const { id, status, startNumber, exitCode: before } = container;
  const over = new AbortController();
  const ended = AbortSignal.any([abort, over.signal]);
  const seen = feed.whenEnded(id, GOES_ON.has(status) ? startNumber : startNumber + 1, condition, before, ended);
  const round = () => engine.ask(WaitContainer, { container: id, condition, deadlineMs: ROUND_MS }, context, ROUND_MS + 10_000);
  const first = round();
  const answered = async (): Promise<{ readonly exitCode: number; readonly error: string }> => {
    let reply: Awaited<typeof first> | 'gone' | 'unanswered' = await first.catch(unanswered);
    while (reply !== 'gone' && !ended.aborted) {
      if (reply === 'unanswered') await delay(PAUSE_MS, undefined, { signal: ended }).catch(() => undefined);
      else if (reply.done) return reply;
      if (!ended.aborted) reply = await round().catch(goneOrUnanswered);
    }
    return seen;
  };
  const result = Promise.race([answered(), seen, departure(ended)])
    .then(
      ({ exitCode, error }): WaitResult => ({ StatusCode: exitCode, ...(error === '' ? {} : { Error: { Message: error } }) }),
      (error: unknown): WaitResult => ({ StatusCode: 125, Error: { Message: errorMessage(error) } }),
    )
    .finally(() => over.abort());
  // The bus hands a request to the socket a few microtasks after it is asked to; an immediate runs after all of those.
  return { registered: new Promise((resolve) => setImmediate(resolve)), result };
}

/** What nobody reads any more. */
function departure(ended: AbortSignal): Promise<{ readonly exitCode: number; readonly error: string }> {
  return new Promise((resolve) => {
    const left = (): void => resolve({ exitCode: 125, error: 'the client has left' });
    if (ended.aborted) left();
    else ended.addEventListener('abort', left, { once: true });
  });
}

/** How its container went on is no matter of a service that was away: it is asked again, and the log tells meanwhile. */
function unanswered(error: unknown): 'unanswered' {
  if (error instanceof BerthError && error.kind === 'unavailable') return 'unanswered';
  throw error;
}

/** A client that waits through two rounds was told that the container is there: the log tells how it went. */
function goneOrUnanswered(error: unknown): 'gone' | 'unanswered' {
  return error instanceof BerthError && error.kind === 'not-found' ? 'gone' : unanswered(error);
}
