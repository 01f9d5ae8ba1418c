import type { Writable } from 'node:stream';

/** Resolves once what was written has left, or the connection is closed. */
export function drained(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (out.destroyed || !out.writableNeedDrain) return resolve();
    const finish = (): void => {
      out.off('drain', finish).off('close', finish);
      resolve();
    };
    out.on('drain', finish).on('close', finish);
  });
}
