import { invalid } from '#libs/errors/errors.js';
import { LONGEST_WORD, type PatternWork, replaced, tooLong, withoutPrefix, withoutSuffix } from './shell-pattern.js';

/** What the variables are where a word stands; undefined: unset. */
export type Variables = (name: string) => string | undefined;

const ESCAPE = '\\';
/** Up to what means something in a word or a substitution. */
const PLAIN = /[^'"$\\}/]+/y;
/** Letters, digits and underscores; digits alone where it begins with one; or one of a shell's special parameters. */
const NAME = /\p{Nd}+|[@*#?\-$!]|[\p{L}\p{Nd}_]+/uy;
const DEEPEST = 100;

/** A word of a Dockerfile with its variables filled in and its quotes taken off. Throws invalid in the words of Docker's builder. */
export function expandWord(word: string, variables: Variables, work: PatternWork): string {
  return read(word, variables, work).map(({ text }) => text).join('');
}

/** The words that a word becomes: blanks that came with a variable part them, quoted ones do not. Those of nothing are left out. */
export function expandWords(word: string, variables: Variables, work: PatternWork): readonly string[] {
  const words: string[] = [];
  let current = '';
  for (const { text, splits } of read(word, variables, work)) {
    const [first = '', ...others] = splits ? text.split(/\s+/) : [text];
    current += first;
    for (const other of others) {
      words.push(current);
      current = other;
    }
  }
  return [...words, current].filter((one) => one !== '');
}

function read(word: string, variables: Variables, work: PatternWork): readonly Piece[] {
  try {
    return new WordReader(word, variables, work).pieces();
  } catch (error) {
    throw invalid(`failed to process ${JSON.stringify(word)}: ${(error as Error).message}`, error);
  }
}

/** Part of a word, and whether its blanks part words. */
interface Piece {
  readonly text: string;
  readonly splits: boolean;
}

class WordReader {
  private at = 0;
  private length = 0;
  private depth = 0;

  constructor(
    private readonly source: string,
    private readonly variables: Variables,
    private readonly work: PatternWork,
  ) {}

  pieces(): readonly Piece[] {
    return this.until(undefined, false);
  }

  /** Behind `stop`, or at the end. `keepsEscapes`: for a pattern, which has a use for them. */
  private until(stop: string | undefined, keepsEscapes: boolean): readonly Piece[] {
    if (++this.depth > DEEPEST) throw invalid('substitutions are nested too deeply');
    const pieces: Piece[] = [];
    const add = (text: string, splits: boolean): void => {
      this.length += text.length;
      if (this.length > LONGEST_WORD) throw tooLong();
      pieces.push({ text, splits });
    };
    for (;;) {
      const character = this.source[this.at];
      if (character === undefined) break;
      if (character === stop) {
        this.at++;
        this.depth--;
        return pieces;
      }
      if (character === "'") add(this.singleQuoted(), false);
      else if (character === '"') add(this.doubleQuoted(keepsEscapes), false);
      else if (character === '$') add(this.variable(), true);
      else if (character !== ESCAPE) add(this.take(PLAIN) || this.next(), true);
      else {
        this.at++;
        if (keepsEscapes) add(ESCAPE, false);
        if (this.at < this.source.length) add(this.next(), false);
      }
    }
    if (stop !== undefined) throw invalid(stop === '}' ? "syntax error: missing '}'" : "syntax error: missing '/' in ${}");
    this.depth--;
    return pieces;
  }

  private textUntil(stop: string, keepsEscapes: boolean): string {
    return this.until(stop, keepsEscapes).map(({ text }) => text).join('');
  }

  private singleQuoted(): string {
    const end = this.source.indexOf("'", this.at + 1);
    if (end < 0) throw invalid('unexpected end of statement while looking for matching single-quote');
    const text = this.source.slice(this.at + 1, end);
    this.at = end + 1;
    return text;
  }

  private doubleQuoted(keepsEscapes: boolean): string {
    this.at++;
    let text = '';
    for (;;) {
      const character = this.source[this.at];
      if (character === undefined) throw invalid('unexpected end of statement while looking for matching double-quote');
      if (character === '$') text += this.variable();
      else if (character !== ESCAPE) {
        this.at++;
        if (character === '"') return text;
        text += character;
      } else {
        this.at++;
        if (keepsEscapes) text += ESCAPE;
        // Before anything else it is a character like others.
        text += ['"', '$', ESCAPE].includes(this.source[this.at] ?? '') ? this.next() : ESCAPE;
      }
      if (text.length > LONGEST_WORD) throw tooLong();
    }
  }

  private variable(): string {
    this.at++;
    if (this.source[this.at] !== '{') {
      const name = this.name();
      return name === '' ? '$' : (this.variables(name) ?? '');
    }
    this.at++;
    const first = this.source[this.at];
    if (first === undefined) throw invalid("syntax error: missing '}'");
    if ('{}:'.includes(first)) throw invalid('syntax error: bad substitution');
    const name = this.name();
    const value = this.variables(name);
    const operator = this.next();
    if (operator === '}') return value ?? '';
    if (operator === '/') return this.replacement(value ?? '');
    return operator === ':' ? this.substitution(name, value, `:${this.next()}`) : this.substitution(name, value, operator);
  }

  private substitution(name: string, set: string | undefined, operator: string): string {
    // With a colon what is empty is as good as unset.
    const value = operator.startsWith(':') && set === '' ? undefined : set;
    switch (operator) {
      case '-':
      case ':-': {
        const word = this.textUntil('}', false);
        return value ?? word;
      }
      case '+':
      case ':+': {
        const word = this.textUntil('}', false);
        return value === undefined ? '' : word;
      }
      case '?':
      case ':?': {
        const word = this.textUntil('}', false);
        if (value === undefined) throw invalid(`${name}: ${word || `is not allowed to be ${set === undefined ? 'unset' : 'empty'}`}`);
        return value;
      }
      case '#':
      case '%': {
        const word = this.textUntil('}', true);
        const longest = word.startsWith(operator);
        return (operator === '#' ? withoutPrefix : withoutSuffix)(value ?? '', longest ? word.slice(1) : word, longest, this.work);
      }
      case '':
      case ':':
        throw invalid("syntax error: missing '}'");
      default:
        throw invalid(`unsupported modifier (${operator}) in substitution`);
    }
  }

  private replacement(value: string): string {
    const all = this.source[this.at] === '/';
    if (all) this.at++;
    const pattern = this.textUntil('/', true);
    return replaced(value, pattern, this.textUntil('}', true), all, this.work);
  }

  private name(): string {
    return this.take(NAME);
  }

  private next(): string {
    return this.source[this.at++] ?? '';
  }

  private take(sticky: RegExp): string {
    sticky.lastIndex = this.at;
    const [text = ''] = sticky.exec(this.source) ?? [];
    this.at += text.length;
    return text;
  }
}
