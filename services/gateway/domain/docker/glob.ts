import { unclassified } from '#libs/errors/errors.js';

/** Of one part of a path: `*`, or what one character may be. */
type Token = '*' | ((character: string) => boolean);

/**
 * Whether a pattern fits the text as a whole, as Go's path.Match has it: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are one character, a backslash takes the next as it is. Throws
 * for a pattern that is none, as dockerd does. In time of the product of both lengths at most, since a client wrote it: the last `*` alone is ever tried again.
 */
export function globFits(pattern: string, text: string): boolean {
  const parts = text.split('/');
  const wanted = pattern.split('/').map(tokens);
  return parts.length === wanted.length && parts.every((part, at) => partFits(wanted[at] ?? [], part));
}

function partFits(pattern: readonly Token[], text: string): boolean {
  let at = 0;
  let taken = 0;
  /** Behind the last `*`, and how much of the text was taken when that one had taken its share. */
  let again: { readonly at: number; taken: number } | undefined;
  while (taken < text.length) {
    const token = pattern[at];
    if (token === '*') again = { at: ++at, taken };
    else if (token?.(text[taken] ?? '')) {
      at++;
      taken++;
    } else if (again !== undefined) {
      at = again.at;
      taken = ++again.taken;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** A star, a question mark, a class, a character behind a backslash, or any other. */
const TOKEN = /(\*)|(\?)|\[(\^?)((?:(?:[^\\\]-]|\\.)(?:-(?:[^\\\]-]|\\.))?)+)\]|\\(.)|([^[\\])/suy;
const RANGE = /(?:\\(.)|([^\\]))(?:-(?:\\(.)|([^\\])))?/gsu;

function tokens(pattern: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < pattern.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(pattern);
    if (match === null) throw unclassified('syntax error in pattern');
    found.push(tokenOf(match));
    at += match[0].length;
  }
  return found;
}

function tokenOf([, star, questionMark, negation, ranges, escaped, plain]: RegExpExecArray): Token {
  if (star !== undefined) return '*';
  if (questionMark !== undefined) return () => true;
  if (ranges !== undefined) return classOf(ranges, negation === '^');
  return is(escaped ?? plain ?? '');
}

const is = (wanted: string): Token => (character) => character === wanted;

function classOf(text: string, negated: boolean): Token {
  const ranges = Array.from(text.matchAll(RANGE), ([, low, plainLow, high, plainHigh]) => {
    const from = low ?? plainLow ?? '';
    return [from, high ?? plainHigh ?? from] as const;
  });
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) !== negated;
}
