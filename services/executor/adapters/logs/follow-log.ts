import type { FolderChanges } from './folder-changes.js';
import type { LogFiles } from './log-files.js';
import type { LogLines } from './log-lines.js';

/** Who is still writing: `ended` is true once nothing more will come; `onEnd` tells when that happens. */
export interface LogWriter {
  ended(): boolean;
  onEnd(listener: () => void): () => void;
}

export interface FollowedLines {
  /** `offset` of it is where these lines end. */
  readonly file: LogLines;
  readonly lines: readonly Buffer[];
}

/**
 * The lines of a log in pieces as they are written, over rotations, until its writer has ended and all is read, or `isOver`. `changes`: of the log's folder, counted from
 * before `files` were looked at first; the caller touches them at the writer's end, and when `isOver` becomes true.
 */
export async function* followLog(files: LogFiles, changes: FolderChanges, writer: LogWriter, isOver: () => boolean): AsyncGenerator<FollowedLines> {
  let current: LogLines | undefined;
  try {
    while (!isOver()) {
      // All asked before reading: what was written before an end or a rotation is then read for certain.
      const { seen } = changes;
      const ended = writer.ended();
      await files.look();
      const isRotated = files.count > 0;
      if (current) for (let lines = await current.next(); lines.length > 0; lines = await current.next()) yield { file: current, lines };
      if (isRotated) {
        await current?.[Symbol.asyncDispose]();
        current = files.shift();
      } else if (ended) {
        return;
      } else {
        await changes.after(seen);
      }
    }
  } finally {
    await current?.[Symbol.asyncDispose]();
  }
}
