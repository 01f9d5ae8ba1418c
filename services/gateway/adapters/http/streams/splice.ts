import type { Duplex } from 'node:stream';
import { type DetachState, typed } from '../../../domain/requests/detach-keys.js';
import { readOnWhenRefused } from './refused-input.js';
import { whenGone } from './when-gone.js';

export interface SpliceOptions {
  /** False: what the client sends is dropped, and its half-close is not passed on. */
  readonly stdin: boolean;
  /** True: the stream is over soon after the client sends no more. dockerd ends it at once, and loses what the last word is answered with. */
  readonly endsWithInput?: boolean;
  /** Present: these keys in what the client types end its side of the stream. */
  readonly detach?: DetachState;
  /** Told once they were typed. */
  readonly detached?: () => void;
  /** What the end of the stream is held back for: it tells the client that something else is true by then. */
  readonly beforeEnd?: () => Promise<unknown>;
}

/** After it was sent all, the client may read what is under way, this long; in ms. */
const LINGER_MS = 10_000;
/** For the answer to what was typed last, where the stream ends with the input; in ms. */
const LAST_ANSWER_MS = 1_000;

/**
 * Joins a client and a byte stream, both ways, with half-close and back-pressure of the sockets themselves. Owns both from now on, and ends the stream of
 * a client that left before. Resolves when the stream is over.
 */
export function splice(client: Duplex, stream: Duplex, options: SpliceOptions): Promise<void> {
  return new Promise((resolve) => {
    let over = false;
    let ending = false;
    const end = (): void => {
      if (ending || over) return;
      ending = true;
      void (options.beforeEnd?.() ?? Promise.resolve()).catch(() => undefined).then(finish);
    };
    const finish = (): void => {
      if (over) return;
      over = true;
      // What was typed goes to the process whenever it reads it, though who typed it has left.
      if (stream.writableLength === 0) stream.destroy();
      else stream.end(() => stream.destroy()).unpipe().resume();
      client.end(() => {
        const linger = setTimeout(() => client.destroy(), LINGER_MS).unref();
        whenGone(client, () => clearTimeout(linger));
      });
      // Closing with bytes of the client unread would reset the connection, and the client would lose what it has not read yet: drop them instead.
      client.unpipe();
      client.removeAllListeners('data');
      client.resume();
      resolve();
    };
    readOnWhenRefused(stream);
    stream.on('error', finish).on('end', end);
    client.on('error', finish);
    whenGone(stream, end);
    whenGone(client, finish);
    if (over) return;
    stream.pipe(client, { end: false });
    if (!options.stdin) client.resume();
    else if (options.detach === undefined) client.pipe(stream);
    else passTyped(client, stream, options.detach, () => (options.detached?.(), finish()));
    if (options.endsWithInput) whenInputEnds(client, () => setTimeout(finish, LAST_ANSWER_MS).unref());
  });
}

function passTyped(client: Duplex, stream: Duplex, watching: DetachState, detached: () => void): void {
  let state = watching;
  client.on('data', (bytes: Buffer) => {
    const step = typed(state, bytes);
    state = step.state;
    if (step.pass.length > 0 && !stream.write(step.pass)) {
      client.pause();
      stream.once('drain', () => client.resume());
    }
    if (step.detached) detached();
  });
  whenInputEnds(client, () => stream.end());
  client.resume(); // it may have been told to wait
}

/** It may have ended before the stream was there. */
function whenInputEnds(client: Duplex, ended: () => void): void {
  if (client.readableEnded) ended();
  else client.once('end', ended);
}
