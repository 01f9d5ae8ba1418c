import type { WaitCondition } from '#contracts/containers/queries.js';
import { WaitContainer } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { errorMessage, toErrorReply } from '#libs/errors/errors.js';
import type { EngineClient } from './engine-client.js';

export interface WaitResult {
  readonly StatusCode: number;
  readonly Error?: { readonly Message: string };
}

/** One bus request at most this long, in ms (a timer's limit is 24 days): an exit between two rounds would be missed. */
const ROUND_MS = 20 * 24 * 3600 * 1000;

/** `registered` resolves once the first request was sent; `result` when the condition holds. `result` never rejects: the answer's headers are gone by then. */
export function waitContainer(engine: EngineClient, container: string, condition: WaitCondition, context: RequestContext, abort: AbortSignal): { registered: Promise<void>; result: Promise<WaitResult> } {
  const round = () => engine.ask(WaitContainer, { container, condition, deadlineMs: ROUND_MS }, context, ROUND_MS + 10_000);
  const first = round();
  const result = async (): Promise<WaitResult> => {
    let exitCode: number | undefined;
    try {
      let reply = await first;
      while (!reply.done && !abort.aborted) {
        exitCode = reply.exitCode;
        reply = await round();
      }
      return { StatusCode: reply.exitCode, ...(reply.error === '' ? {} : { Error: { Message: reply.error } }) };
    } catch (error) {
      // Removed between two rounds, which is what was waited for.
      if (exitCode !== undefined && condition === 'removed' && toErrorReply(error).kind === 'not-found') return { StatusCode: exitCode };
      return { StatusCode: 125, Error: { Message: errorMessage(error) } };
    }
  };
  // The bus hands a request to the socket a few microtasks after it is asked to; an immediate runs after all of those.
  return { registered: new Promise((resolve) => setImmediate(resolve)), result: result() };
}
