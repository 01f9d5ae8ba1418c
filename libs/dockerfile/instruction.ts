import { invalid } from '#libs/errors/errors.js';

const ESCAPE = '\\';
const BLANKS = /[\t\v\f\r ]+/;

/** A Dockerfile's line as its instruction's name, the flags before its arguments, and the arguments, which each instruction reads its own way. */
export interface Instruction {
  readonly name: string;
  /** With their dashes: "--interval=5s". */
  readonly flags: readonly string[];
  readonly rest: string;
}

/** The lines of a Dockerfile, those that go on in the next one joined, without comments and empty ones. */
export function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  let begun: string | undefined;
  for (const physical of text.split('\n')) {
    const whole = physical.replace(/\r$/, '');
    const line = begun === undefined ? whole.trimStart() : whole;
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const goesOn = /(?:^|[^\\])\\[ \t]*$/.test(line);
    const joined: string = (begun ?? '') + (goesOn ? line.slice(0, line.lastIndexOf(ESCAPE)) : line);
    begun = goesOn ? joined : undefined;
    if (!goesOn) lines.push(joined);
  }
  return begun === undefined || begun.trim() === '' ? lines : [...lines, begun];
}

export function readInstruction(line: string): Instruction {
  const trimmed = line.trim();
  const [name = ''] = trimmed.split(BLANKS, 1);
  let rest = trimmed.slice(name.length).trim();
  const flags: string[] = [];
  while (rest.startsWith('--')) {
    const flag = rest.slice(0, lengthOfFirst(rest));
    rest = rest.slice(flag.length).trim();
    if (flag === '--') break;
    flags.push(unquoted(flag));
  }
  return { name, flags, rest };
}

/** Words parted by blanks that are neither quoted nor escaped; their quotes are left to whoever fills in their variables. */
export function splitWords(rest: string): readonly string[] {
  const words: string[] = [];
  for (let left = rest.trimStart(); left !== ''; ) {
    const length = lengthOfFirst(left);
    const word = left.slice(0, length);
    words.push(endsEscaping(word) ? word.slice(0, -1) : word);
    left = left.slice(length).trimStart();
  }
  return words.filter((word) => word !== '');
}

/** Arguments parted by blanks, quoted or not. */
export const splitAtBlanks = (rest: string): readonly string[] => (rest === '' ? [] : rest.split(BLANKS));

/** `["a", "b"]`; undefined where it is no JSON list, which a shell is to read then. Throws invalid for a list of anything but texts. */
export function jsonList(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(rest);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) throw invalid('when using JSON array syntax, arrays must be comprised of strings only');
  return list;
}

/** `A=1 B="x y"`, or the old `A the rest`; what is left of the sign and what is right of it, as it was written. Throws invalid. */
export function namesAndValues(instruction: string, rest: string): readonly (readonly [name: string, value: string])[] {
  const words = splitWords(rest);
  if (words.length === 0) throw invalid(`${instruction} requires at least one argument`);
  if (!words[0]?.includes('=')) {
    const [name = ''] = rest.split(BLANKS, 1);
    const value = rest.slice(name.length).trimStart();
    if (value === '') throw invalid(`${instruction} must have two arguments`);
    return [[name, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    if (equals === 0) throw invalid(`${instruction} names can not be blank`);
    return [word.slice(0, equals), word.slice(equals + 1)] as const;
  });
}

/** The values of an instruction's flags, by name. Throws invalid for one that is not `known`, has none, or is there twice. */
export function flagValues(flags: readonly string[], known: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    const written = equals < 0 ? flag : flag.slice(0, equals);
    const name = written.slice('--'.length);
    if (!known.includes(name)) throw invalid(`unknown flag: ${written}`);
    if (values.has(name)) throw invalid(`duplicate flag specified: ${written}`);
    if (equals < 0) throw invalid(`missing a value on flag: ${written}`);
    values.set(name, flag.slice(equals + 1));
  }
  return values;
}

/** How far the first word of `text` goes, which begins with no blank. */
function lengthOfFirst(text: string): number {
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === ESCAPE && quote !== "'") at++;
    else if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (/\s/.test(character)) return at;
  }
  return text.length;
}

/** A backslash at the very end escapes nothing. */
const endsEscaping = (word: string): boolean => (/\\+$/.exec(word)?.[0].length ?? 0) % 2 === 1;

const unquoted = (word: string): string => word.replace(/\\(.?)|["']/g, (_, escaped?: string) => escaped ?? '');
