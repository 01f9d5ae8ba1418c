import type { Readable } from 'node:stream';

/** All that comes, as a text: for what is known to be short. */
export async function wholeText(stream: Readable): Promise<string> {
  let said = '';
  for await (const text of stream.setEncoding('utf8')) said += text as string;
  return said;
}
