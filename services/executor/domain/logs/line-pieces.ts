import type { LogRecord } from './log-record.js';

/** One of the pieces that a long line was written in, and which of them, counted from 1. */
export interface LinePiece {
  /** The same of all pieces of a line. */
  readonly id: string;
  readonly ordinal: number;
  readonly isLast: boolean;
  /** Of the first piece. */
  readonly time: string;
}

/** Tells of the records of one log, given in their order, which of them are pieces of a line. Who begins in the middle of one takes what is left of it for the whole. */
export class LinePieces {
  private readonly begun = new Map<LogRecord['stream'], Omit<LinePiece, 'isLast'>>();

  constructor(private readonly newId: () => string) {}

  /** Undefined: a line in one piece. */
  pieceOf({ stream, log, time }: LogRecord): LinePiece | undefined {
    const isLast = log.endsWith('\n');
    const before = this.begun.get(stream);
    if (isLast && before === undefined) return undefined;
    const piece = before === undefined ? { id: this.newId(), ordinal: 1, time } : { ...before, ordinal: before.ordinal + 1 };
    if (isLast) this.begun.delete(stream);
    else this.begun.set(stream, piece);
    return { ...piece, isLast };
  }
}
