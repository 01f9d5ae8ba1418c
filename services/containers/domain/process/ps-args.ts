import { invalid } from '#libs/errors/errors.js';

/** A column may be renamed to PID by which processes are told apart, unless it is the pid itself. */
const RENAMED_TO_PID = /\s+(\w*)=\s*(PID\S*)/g;

/** The words of ps(1)'s arguments. Throws what dockerd says of those that would make it mistake another column for the pid (daemon/top_unix.go). */
export function checkPsArgs(text: string): readonly string[] {
  for (const [, column = '', title = ''] of text.matchAll(RENAMED_TO_PID)) if (column !== 'pid') throw invalid(`specifying "${column}=${title}" is not allowed`);
  return text.split(' ');
}
