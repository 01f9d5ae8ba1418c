import type { TelemetryAnswer } from './telemetry-server.js';

/**
 * One making of an answer at a time, whoever asks: who comes meanwhile gets the same one, and so does who comes within `keptMs` of its end. Who may ask is
 * anybody on the machine, and what they ask for is dear. One that fails is not kept.
 */
export function sharedAnswer(make: () => TelemetryAnswer | Promise<TelemetryAnswer>, keptMs = 0): () => Promise<TelemetryAnswer> {
  let shared: Promise<TelemetryAnswer> | undefined;
  let keptUntil = Infinity;
  return () => {
    if (shared !== undefined && performance.now() < keptUntil) return shared;
    keptUntil = Infinity;
    const making = made(make);
    const over = (kept: number): void => {
      if (kept > 0) keptUntil = performance.now() + kept;
      else shared = undefined;
    };
    making.then(() => over(keptMs), () => over(0));
    return (shared = making);
  };
}

/** As bytes, which all who get it have in common. */
async function made(make: () => TelemetryAnswer | Promise<TelemetryAnswer>): Promise<TelemetryAnswer> {
  const answer = await make();
  return { ...answer, body: typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body };
}
