import type { Duplex } from 'node:stream';

/** How long a client that left may hold what was opened for it. */
const KNOCK_MS = 1_000;

/**
 * Closes the connection of a client that left. Who ends only what it sends looks the same, as `docker attach` without input does at once, and of what comes after it libuv tells nothing
 * while nobody writes. A write of no bytes tells them apart: where nobody reads any more it fails (EPIPE, unix(7)). Over TCP it does not, and a client counts as there until bytes come for it.
 */
export function noticeLeaving(client: Duplex): void {
  const knock = (): void => {
    // What it sent before is to be read first: with the connection it would be gone.
    if (client.writable && client.writableLength === 0 && client.readableLength === 0) client.write('');
  };
  const knocking = setInterval(knock, KNOCK_MS).unref();
  client.once('end', knock).once('close', () => clearInterval(knocking));
}
