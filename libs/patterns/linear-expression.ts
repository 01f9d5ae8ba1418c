import { createRequire } from 'node:module';

/** Of an expression, that part of its interface that somebody needs. */
export interface Expression {
  /** Whether it fits some part of the text. */
  readonly test: (text: string) => boolean;
}

interface Re2 {
  readonly RE2JS: { readonly compile: (pattern: string) => Expression };
}

let re2: Re2 | undefined;

/**
 * An expression that a client wrote, matched in time that grows with the text alone. JavaScript's own goes back and forth over a text for as long as a pattern likes (".*.*.*!" takes a thousandfold
 * for every few more), and stops everything else meanwhile. V8 has a linear engine, behind a flag, as an experiment; re2js is Go's, whose patterns dockerd takes, in JavaScript, and depends on
 * nothing. It is loaded when first somebody needs it: 60 ms and some MiB. Throws for what is no expression, as for what Go's has not: lookaheads and references back.
 */
export function linearExpression(pattern: string): Expression {
  if (neverRepeats(pattern)) return new RegExp(pattern);
  re2 ??= createRequire(import.meta.url)('re2js') as Re2; // by its own types
  return re2.RE2JS.compile(pattern);
}

/** In characters: a table of Unicode has some hundred ranges, each of which is sorted in among the others. */
const TABLE = 100;
/** In characters: without regard to case, of a range each code point is looked up by itself, and there may be 125,000. */
const FOLDED_RANGE = 1000;

/**
 * What it takes to compile a pattern, and to match a character: how many characters it has at most when its counted repetitions are written out, and as many again as its classes
 * weigh, which are made but once. A plain name is none of it.
 */
export function weightOf(pattern: string): number {
  if (neverRepeats(pattern)) return 0;
  const tables = count(pattern, /\\p/gi);
  // The end of a range beyond ASCII, as itself or by its number.
  const foldedRanges = /\(\?[\w-]*i/.test(pattern) ? count(pattern, /-(?:[^\x00-\x7f]|\\[x0-7])/g) : 0;
  return writtenOut(pattern) + tables * TABLE + foldedRanges * FOLDED_RANGE;
}

function writtenOut(pattern: string): number {
  let nested = 1;
  let flat = 1;
  for (const [, group, least, most] of pattern.matchAll(/(\))?\{(\d{1,4})(?:,(\d{1,4})?)?\}/g)) {
    const times = Math.max(Number(least), Number(most ?? 0), 1);
    if (group === undefined) flat = Math.max(flat, times);
    else nested *= times;
  }
  // More than a thousand times within one another is no expression.
  return pattern.length * Math.min(nested * flat, 1000);
}

/** As names are asked for mostly, "web", "^/web$" and "^/?web$": there is one way to fit. */
const neverRepeats = (pattern: string): boolean => /^\^?(?:\/\??)?[\w.-]*\$?$/.test(pattern);

const count = (text: string, part: RegExp): number => text.match(part)?.length ?? 0;
