import { setTimeout as sleep } from 'node:timers/promises';
import type { EventStore } from '#libs/event-store/event-store.js';

/** A log that lives answers sooner. */
const SILENCE_MS = 1_000;
const ASK_AGAIN_MS = 250;

export interface Ending {
  /** Called one after the other, at the end of the list first. */
  readonly closers: readonly (() => Promise<unknown>)[];
  readonly log: Pick<EventStore, 'lastPosition'>;
  /** Closed ahead of their turn where the log is silent; so what closes them may be called twice. */
  readonly connections: readonly { close(): Promise<unknown> }[];
  /** Whether something keeps the process from its exit, once all is closed: it is killed then. */
  readonly isHeld?: () => boolean;
}

/**
 * Has this process end at SIGTERM or SIGINT, in order. Where the log does not answer meanwhile, nothing comes of what still waits for it: the connections are closed at once, so
 * that all who wait are told, and the rest goes on in its order. What was not appended the next process finds again, as after a kill.
 */
export function endAtSignal(ending: Ending): void {
  let isEnding = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isEnding) return;
      isEnding = true;
      void closeAll(ending).finally(() => (ending.isHeld?.() ? process.kill(process.pid, 'SIGKILL') : process.exit(0)));
    });
  }
}

export async function closeAll({ closers, log, connections }: Ending): Promise<void> {
  const closed = new AbortController();
  void hangUpIfSilent(log, connections, closed.signal);
  for (const close of closers.toReversed()) await close().catch(() => undefined);
  closed.abort();
}

async function hangUpIfSilent(log: Ending['log'], connections: Ending['connections'], over: AbortSignal): Promise<void> {
  for (; !over.aborted; await sleep(ASK_AGAIN_MS, undefined, { ref: false })) {
    const answers = log.lastPosition().then(() => true, () => false);
    if (await Promise.race([answers, sleep(SILENCE_MS, false, { ref: false })])) continue;
    if (!over.aborted) await Promise.allSettled(connections.map((connection) => connection.close()));
    return;
  }
}
