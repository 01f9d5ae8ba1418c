import { errorMessage } from '#libs/errors/errors.js';

/** What went wrong once a stream has begun, as the last of the output: that is where dockerd puts it. Framed as stdout, but for a terminal. */
export function failureText(error: unknown, terminal: boolean): Buffer {
  const text = Buffer.from(`${errorMessage(error)}\r\n`);
  if (terminal) return text;
  const head = Buffer.alloc(8);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, text]);
}
