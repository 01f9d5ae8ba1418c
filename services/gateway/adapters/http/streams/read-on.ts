import type { IncomingMessage } from 'node:http';
import { whenGone } from './when-gone.js';

/** As much as Go's server reads of a request that it answers early. */
const READ_ON_BYTES = 256 * 1024;
/** Who sends nothing more is answered all the same; in ms. */
const READ_ON_MS = 1_000;

/** Reads what a client still sends, and drops it, before it is told that all that is refused: docker's complains of a closed pipe where the answer comes while it sends. */
export function readOn(body: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = READ_ON_BYTES;
    const enough = setTimeout(resolve, READ_ON_MS).unref();
    const done = (): void => (clearTimeout(enough), resolve());
    whenGone(body, done);
    body.on('end', done).on('data', (bytes: Buffer) => {
      left -= bytes.length;
      if (left <= 0) done();
    });
  });
}
