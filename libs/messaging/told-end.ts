import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { unavailable } from '#libs/errors/errors.js';

/**
 * What a client uploads, in parts: each behind its length (u32 LE), and at the end one of no bytes. An end of file does not tell it: the kernel makes one of a sender that was killed, or whose client left, too,
 * and half an archive would be taken for a whole one. The socket's sending half stays open, for `wholeOf`, which reads the answer.
 */
const LENGTH_BYTES = 4;

/** What is written to it goes into the socket so, and its end is told. */
export function withToldEnd(socket: Socket): Writable {
  return new Writable({
    write: (part: Buffer, _encoding, done) => {
      if (part.length === 0) return done();
      socket.cork();
      socket.write(lengthOf(part.length));
      socket.write(part, done);
      socket.uncork();
    },
    final: (done) => void socket.write(lengthOf(0), done),
  });
}

/** The bytes of `source` that were sent so, to the end that was told; what follows it is not read. Throws where `source` ends before. */
export async function* toToldEnd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let head = Buffer.alloc(0);
  let left = 0;
  for await (const chunk of source) {
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest.subarray(0, left || LENGTH_BYTES - head.length);
      rest = rest.subarray(part.length);
      if (left > 0) {
        left -= part.length;
        yield part;
        continue;
      }
      head = Buffer.concat([head, part]);
      if (head.length < LENGTH_BYTES) continue;
      left = head.readUInt32LE();
      head = Buffer.alloc(0);
      if (left === 0) return;
    }
  }
  throw unavailable('what was sent was cut off: its sender did not come to the end');
}

function lengthOf(count: number): Buffer {
  const head = Buffer.alloc(LENGTH_BYTES);
  head.writeUInt32LE(count);
  return head;
}
