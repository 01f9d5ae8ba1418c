import { invalid } from '#libs/errors/errors.js';

export const PROPAGATION: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
export const NO_COPY = 'nocopy';
/** Of each, one may be said. */
const CHOICES: readonly (readonly string[])[] = [['ro', 'rw'], ['z', 'Z'], PROPAGATION, [NO_COPY], ['delegated', 'cached', 'consistent']];

/** The words after the second colon of -v, "ro,z", as dockerd takes them. */
export const areBindModes = (text: string): boolean => {
  const words = text.split(',');
  return words.every((word) => CHOICES.some((choice) => choice.includes(word))) && CHOICES.every((choice) => words.filter((word) => choice.includes(word)).length < 2);
};

/** Throws invalid for what are none. '': none. */
export function bindModes(text: string): readonly string[] {
  if (text === '') return [];
  if (!areBindModes(text)) throw invalid(`invalid mode: ${text}`);
  return text.split(',');
}
