/** Before what met silence is asked anew. */
export const PAUSE_MS = 50;

export interface AskAgainRules {
  /** After so long without an answer it is asked anew. Infinity: only when the asking before has come to nothing. */
  readonly everyMs: number;
  /** Whether an asking came to nothing, where any other failure is an answer. */
  readonly isSilence: (failure: unknown) => boolean;
  /** Whether another asking may follow in PAUSE_MS. */
  readonly mayMend: (silence: unknown) => boolean;
  /** The silence of one that has no answer after `everyMs`. */
  readonly unanswered: () => unknown;
}

/**
 * The first answer to any of the askings, of which one follows another by the rules. All are listened to until then: what is asked anew while it is under way may have
 * failed a moment before, so that it is done once more, and who listened to the newest alone would be told of the second failure, which can be another.
 * Rejects with a failure that is an answer, or with the silence that may not be mended.
 */
export async function askAgain<Reply>(ask: () => Promise<Reply>, { everyMs, isSilence, mayMend, unanswered }: AskAgainRules): Promise<Reply> {
  const answer = Promise.withResolvers<Reply>();
  let newest = 0;
  let answered = false;
  let timer: NodeJS.Timeout | undefined;
  const asking = (): void => {
    const mine = ++newest;
    if (everyMs < Infinity) timer = setTimeout(() => mend(unanswered(), asking), everyMs);
    ask().then(answer.resolve, (failure: unknown) => {
      if (!isSilence(failure)) return answer.reject(failure);
      if (mine !== newest || answered) return;
      clearTimeout(timer);
      mend(failure, () => (timer = setTimeout(asking, PAUSE_MS)));
    });
  };
  const mend = (silence: unknown, again: () => void): void => (mayMend(silence) ? again() : answer.reject(silence));
  asking();
  return answer.promise.finally(() => {
    answered = true;
    clearTimeout(timer);
  });
}
