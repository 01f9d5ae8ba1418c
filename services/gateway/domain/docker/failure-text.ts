import { errorMessage } from '#libs/errors/errors.js';
import { framed, STDOUT } from './stream-frames.js';

/** What went wrong once a stream has begun, as the last of the output: that is where dockerd puts it. Framed as stdout, but for a terminal. */
export function failureText(error: unknown, terminal: boolean): Buffer {
  const text = Buffer.from(`${errorMessage(error)}\r\n`);
  return terminal ? text : framed(STDOUT, text);
}
