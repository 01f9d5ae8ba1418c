import type { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

/**
 * A process that has ended takes no more input, while what it printed may still be under way to a client that reads slowly. A socket that refuses a write
 * is destroyed by Node, with what came and was not read. Here it is read to its end first; until then the refused write is pending, and holds back the
 * client's next ones.
 */
export function readOnWhenRefused(stream: Duplex): void {
  const write = stream._write.bind(stream);
  const writev = stream._writev?.bind(stream);
  const unlessRefused = (done: Done): Done => (error) => {
    if (!error || stream.readableEnded || stream.destroyed) return done(error);
    stream.once('end', () => stream.destroy());
  };
  stream._write = (chunk, encoding, done) => write(chunk, encoding, unlessRefused(done));
  if (writev !== undefined) stream._writev = (chunks, done) => writev(chunks, unlessRefused(done));
}
