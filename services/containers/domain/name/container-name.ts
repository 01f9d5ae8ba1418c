import { invalid } from '#libs/errors/errors.js';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** Berth's own limit, a file name's: a name is part of a subject of the log. */
const LONGEST_NAME = 255;

/** Whether a container may be called so; a leading "/" is the Engine API's, and no part of the name. */
export const isContainerName = (name: string): boolean => name.length <= LONGEST_NAME && NAME.test(name);

/** Throws invalid where no container may be called so. `prefix` begins the message. */
export function checkContainerName(name: string, prefix = 'Invalid container name ('): void {
  if (name.length > LONGEST_NAME) throw invalid(`${prefix}${name.slice(0, 64)}…), names have at most ${LONGEST_NAME} characters`);
  if (!NAME.test(name)) throw invalid(`${prefix}${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}
