import type { Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import type { RequestContext } from '#contracts/request.js';
import { unavailable } from '#libs/errors/errors.js';
import { toToldEnd } from '#libs/messaging/told-end.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import type { CollectBlobs } from './collect-blobs.js';
import { ProgressLines } from './progress-lines.js';

/** Does work that brings blobs, tells its progress, and ends the stream once what no image came to need is gone again. Never rejects: an error is the last line, or what a dry run `planned`. `left` is aborted when the client goes away before. */
export async function serveProgress(socket: Socket, { planned }: Pick<RequestContext, 'planned'>, content: ContentStore, collect: CollectBlobs, work: (lines: ProgressLines, lease: ContentLease, left: AbortSignal) => Promise<void>): Promise<void> {
  const leaving = new AbortController();
  // A client that is there keeps its sending half open (`withToldEnd`), as it waits for the answer.
  for (const event of ['end', 'close']) socket.once(event, () => leaving.abort(unavailable('the client went away')));
  const lines = new ProgressLines(socket);
  const lease = content.lease();
  let failure: unknown;
  try {
    await work(lines, lease, leaving.signal);
  } catch (error) {
    failure = error;
  }
  lease.release();
  await collect.unused(lease.digests);
  if (planned !== undefined && failure === undefined) lines.plan(planned);
  lines.end(failure);
}

/** What a client sends, to the end that it tells, for one reader; a client that goes away before is an error of it. The socket itself stays open for the answer. */
export function inputOf(socket: Socket): Readable {
  const input = new PassThrough({ highWaterMark: 1 << 18 });
  // Before a reader is there, an error has nobody to tell; after, it is the reader's.
  input.on('error', () => undefined);
  socket.on('close', () => {
    if (!input.readableEnded) input.destroy(new Error('the client went away'));
  });
  // Once nobody reads it any more, what still comes is dropped, or the client would never come to reading the answer.
  input.on('close', () => {
    socket.unpipe(input);
    socket.resume();
  });
  socket.pipe(input);
  return Readable.from(toToldEnd(input), { objectMode: false });
}
