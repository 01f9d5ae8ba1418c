import { invalid, unclassified } from '#libs/errors/errors.js';

/**
 * The words of ps(1)'s arguments. Throws what dockerd says of those that title another column PID, by which processes are told apart (daemon/top_unix.go); it looks only behind a
 * blank, and "-olwp=PID" is one word. What else parts words for whoever reads a title is in no word: it would make two titles of one.
 */
export function checkPsArgs(text: string): readonly string[] {
  if (/[^\S ]/.test(text)) throw invalid('the arguments of ps may hold no tabs and no ends of lines');
  for (const word of text.replace(/ +/g, ' ').replaceAll('= ', '=').split(' ')) {
    const cut = word.lastIndexOf('=PID');
    const column = word.slice(0, Math.max(cut, 0));
    if (cut >= 0 && column.replace(/^-\w*o/, '') !== 'pid') throw unclassified(`specifying "${column}=${word.slice(cut + 1)}" is not allowed`);
  }
  return text.split(' ');
}
