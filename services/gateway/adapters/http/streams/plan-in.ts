import type { Readable } from 'node:stream';
import type { DryRunReply } from '#contracts/request.js';
import { internal, unclassified } from '#libs/errors/errors.js';
import { DryRunAnswer } from '../../../application/engine-client.js';

/** A progress line, as far as a dry run has one. */
type Line = Partial<DryRunReply> & { readonly error?: string };

/** What a dry run's progress lines come to. Throws what the last one says is wrong, and internal where they tell neither. */
export async function planIn(lines: Readable): Promise<DryRunAnswer> {
  let rest = '';
  let last = '';
  for await (const bytes of lines.setEncoding('utf8')) {
    const parts = (rest + String(bytes)).split('\r\n');
    rest = parts.pop() ?? '';
    last = parts.at(-1) ?? last;
  }
  const { wouldAppend, error } = JSON.parse(last === '' ? '{}' : last) as Line; // the images service's own
  if (error !== undefined) throw unclassified(error);
  if (wouldAppend === undefined) throw internal('the images service told of no plan');
  return new DryRunAnswer(wouldAppend);
}
