export const PROPAGATION: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
export const NO_COPY = 'nocopy';
/** Of each, one may be said. */
const CHOICES: readonly (readonly string[])[] = [['ro', 'rw'], ['z', 'Z'], PROPAGATION, [NO_COPY], ['delegated', 'cached', 'consistent']];

/** The words after the second colon of -v, "ro,z", as dockerd takes them. */
export const areBindModes = (text: string): boolean => {
  const words = text.split(',');
  return words.every((word) => CHOICES.some((choice) => choice.includes(word))) && CHOICES.every((choice) => words.filter((word) => choice.includes(word)).length < 2);
};

/** Throws for what are none: as `refuse` says, since dockerd knows whose mistake it is of --volumes-from alone. '': none. */
export function bindModes(text: string, refuse: (message: string) => Error): readonly string[] {
  if (text === '') return [];
  if (!areBindModes(text)) throw refuse(`invalid mode: ${text}`);
  return text.split(',');
}
