import { invalid } from '#libs/errors/errors.js';

/** What follows --from; 0 where nothing does. */
export function positionOf(text: string | undefined): number {
  const position = Number(text ?? '0');
  if (!Number.isSafeInteger(position) || position < 0) throw invalid(`--from takes a position of the log, a whole number, not "${text ?? ''}"`);
  return position;
}
