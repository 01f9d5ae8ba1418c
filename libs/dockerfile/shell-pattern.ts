import { invalid } from '#libs/errors/errors.js';

/** One step of a pattern: a character, any one (`?`), or any many (`*`). Neither of the latter fits a line's end. */
type Step = { readonly is: string } | 'any' | 'many';

/** Of one word with its variables in it, in characters: a few lines that each double a variable would else fill all memory. No program can be given more in one. */
export const LONGEST_WORD = 1 << 20;

export const tooLong = (): Error => invalid(`a word is longer than ${LONGEST_WORD} characters`);

/** Half a second, in characters that are held against a step of a pattern. */
const MOST_STEPS = 4 << 20;

/** What the patterns of one client's request may take in all. */
export class PatternWork {
  private left = MOST_STEPS;

  /** Throws invalid. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw invalid('the patterns of substitutions take too long');
  }
}

/** A shell's pattern without brackets, as the substitutions of a Dockerfile take it. In time of the product of both lengths at most, since a client wrote it. */
class ShellPattern {
  private steps: Step[] = [];

  /** Throws invalid. */
  constructor(
    text: string,
    private readonly work: PatternWork,
  ) {
    const characters = [...text];
    for (let at = 0; at < characters.length; at++) {
      const character = characters[at] ?? '';
      if (character === '*') this.steps.push('many');
      else if (character === '?') this.steps.push('any');
      else if (character !== '\\') this.steps.push({ is: character });
      else {
        const escaped = characters[++at] ?? '';
        if (escaped === '' || !'*?\\}/'.includes(escaped)) throw invalid(`invalid pattern (${text}) in substitution: invalid escape '\\${escaped}'`);
        this.steps.push({ is: escaped });
      }
    }
  }

  /** The pattern of what is written backwards. */
  reversed(): ShellPattern {
    const other = new ShellPattern('', this.work);
    other.steps = this.steps.toReversed();
    return other;
  }

  /** Where it fits, in characters: the leftmost place from `from` on, or `from` alone; there the longest or the shortest. Undefined: nowhere. */
  find(text: readonly string[], from: number, { anchored, longest }: { readonly anchored: boolean; readonly longest: boolean }): { readonly start: number; readonly end: number } | undefined {
    const last = this.steps.length;
    let found: { start: number; end: number } | undefined;
    /** By step to take next, the leftmost start of what has come so far. */
    let reached: (number | undefined)[] = [];
    for (let at = from; at <= text.length; at++) {
      if (found === undefined && (at === from || !anchored)) reached[0] = Math.min(reached[0] ?? at, at);
      this.work.spend(last + 1);
      for (let step = 0; step < last; step++) if (this.steps[step] === 'many') reached[step + 1] = leftmost(reached[step + 1], reached[step]);
      const start = reached[last];
      if (start !== undefined && (found === undefined || start < found.start || (start === found.start && longest))) found = { start, end: at };
      const character = text[at];
      if (character === undefined) break;
      const next: (number | undefined)[] = [];
      for (let step = 0; step < last; step++) {
        const begun = reached[step];
        if (begun === undefined || (found !== undefined && (begun > found.start || (begun === found.start && !longest)))) continue;
        const wanted = this.steps[step];
        if (wanted === 'many' && character !== '\n') next[step] = leftmost(next[step], begun);
        else if (wanted === 'any' ? character !== '\n' : typeof wanted === 'object' && wanted.is === character) next[step + 1] = leftmost(next[step + 1], begun);
      }
      if (next.length === 0 && (found !== undefined || anchored)) break;
      reached = next;
    }
    return found;
  }
}

const leftmost = (one: number | undefined, other: number | undefined): number | undefined => (one === undefined ? other : other === undefined ? one : Math.min(one, other));

/** `${name#pattern}` and `${name##pattern}` */
export function withoutPrefix(text: string, pattern: string, longest: boolean, work: PatternWork): string {
  const characters = [...text];
  return characters.slice(new ShellPattern(pattern, work).find(characters, 0, { anchored: true, longest })?.end ?? 0).join('');
}

/** `${name%pattern}` and `${name%%pattern}` */
export function withoutSuffix(text: string, pattern: string, longest: boolean, work: PatternWork): string {
  const characters = [...text];
  const found = new ShellPattern(pattern, work).reversed().find(characters.toReversed(), 0, { anchored: true, longest });
  return characters.slice(0, characters.length - (found?.end ?? 0)).join('');
}

/** `${name/pattern/other}` and `${name//pattern/other}` */
export function replaced(text: string, pattern: string, replacement: string, all: boolean, work: PatternWork): string {
  const characters = [...text];
  const wanted = new ShellPattern(pattern, work);
  const parts: string[] = [];
  let [taken, length] = [0, 0];
  for (let from = 0; from <= characters.length; ) {
    const found = wanted.find(characters, from, { anchored: false, longest: true });
    if (found === undefined) break;
    parts.push(characters.slice(taken, found.start).join(''), replacement);
    if ((length += replacement.length) > LONGEST_WORD) throw tooLong();
    taken = found.end;
    from = found.end > found.start ? found.end : found.end + 1;
    if (!all) break;
  }
  return parts.join('') + characters.slice(taken).join('');
}
