import { setTimeout as delay } from 'node:timers/promises';
import type { FollowedEntry } from '#contracts/gateway/log-replies.js';
import { BerthError } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { positionOf } from '../position.js';

/** Between two attempts to reach an engine that was there. */
const RETRY_MS = 200;

/**
 * `berth events [--from POSITION] [--follow]`: the log after that position as JSON lines. Whoever keeps the last position it saw resumes there with
 * no gap and nothing twice; so does this command itself when the engine is restarted under it.
 */
export const events: Command = async ({ api, options, print }) => {
  const from = positionOf(options.from);
  const abort = new AbortController();
  let last = { position: from, index: Infinity };
  const take = (line: string): void => {
    const { position, index } = JSON.parse(line) as FollowedEntry;
    // A commit that was cut off in the middle is asked for again as a whole.
    if (position < last.position || (position === last.position && index <= last.index)) return;
    last = { position, index };
    print(line);
  };
  if (!options.follow) {
    await api.lines(`/berth/events?from=${from}`, take, abort.signal);
    return exitCodes.ok;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  for (let wasThere = false; !abort.signal.aborted; ) {
    const after = last.index === Infinity ? last.position : last.position - 1;
    try {
      await api.lines(`/berth/events?follow=1&from=${after}`, (line) => ((wasThere = true), take(line)), abort.signal);
    } catch (error) {
      if (abort.signal.aborted) break;
      if (!wasThere || !(error instanceof BerthError) || error.kind !== 'unavailable') throw error;
    }
    await delay(RETRY_MS, undefined, { signal: abort.signal }).catch(() => undefined);
  }
  return exitCodes.ok;
};
