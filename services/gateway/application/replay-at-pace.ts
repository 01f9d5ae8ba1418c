import type { EventStore } from '#libs/event-store/event-store.js';
import type { Commit } from '#libs/event-store/event.js';

/** Commits of a piece: what they are made into waits in memory for a reader that is slow. */
const PIECE = 1024;

/** A reader that takes what it is given at a pace of its own. */
export interface PacedReader {
  /** Resolves once what was given is on its way, or the reader has gone. */
  ready(): Promise<void>;
  readonly gone: AbortSignal;
}

export interface Positions {
  readonly after: number;
  /** Undefined: as far as the log has come, all but the last piece. */
  readonly to: number | undefined;
}

/** Replays in pieces, the next one once the reader is ready for it. Resolves to the position it has come to; where the reader has gone, that is not the end. */
export async function replayAtPace(store: Pick<EventStore, 'replay' | 'lastPosition'>, filters: readonly string[], { after, to }: Positions, onCommit: (commit: Commit) => void, reader: PacedReader): Promise<number> {
  let position = after;
  while (!reader.gone.aborted) {
    const end = to ?? (await store.lastPosition()) - PIECE;
    if (position >= end) break;
    const next = Math.min(position + PIECE, end);
    await store.replay(filters, position, onCommit, next);
    position = next;
    await reader.ready();
  }
  return position;
}
