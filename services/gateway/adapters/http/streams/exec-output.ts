import { Duplex } from 'node:stream';
import { framed, STDOUT, Unframed } from '../../../domain/docker/stream-frames.js';

export interface OutputShape {
  /** Whether the process has a terminal, whose bytes come as they are. */
  readonly terminal: boolean;
  /** Whether the client asked for a terminal's when it started the exec: it may say another thing than who created it, and dockerd holds to it. */
  readonly raw: boolean;
}

/** An exec's streams as the client that started it reads them. Of a process without terminal that is read as one there is its stdout alone, as with dockerd. */
export function execOutput(stream: Duplex, { terminal, raw }: OutputShape): Duplex {
  if (terminal === raw) return stream;
  const frames = new Unframed(STDOUT);
  return new Reshaped(stream, raw ? (bytes) => frames.take(bytes) : (bytes) => [framed(STDOUT, bytes)]);
}

/** A byte stream with what is read of it in another shape. */
class Reshaped extends Duplex {
  constructor(
    private readonly inner: Duplex,
    shape: (bytes: Buffer) => readonly Buffer[],
  ) {
    super();
    inner.on('data', (bytes: Buffer) => {
      for (const piece of shape(bytes)) if (!this.push(piece)) inner.pause();
    });
    inner.on('end', () => this.push(null)).on('error', (error) => this.destroy(error));
    // What came before its end is still to be read.
    inner.on('close', () => void (inner.readableEnded || this.destroy()));
  }

  override _read(): void {
    this.inner.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.inner.write(bytes, () => done()); // what fails is its error
  }

  override _final(done: () => void): void {
    this.inner.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.inner.destroy();
    done(error);
  }
}
