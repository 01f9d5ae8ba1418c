/** What a tag's expressions come to. Undefined: a name that a map has not. */
export type Value = string | number | boolean | undefined | readonly string[] | ReadonlyMap<string, string>;

export interface TemplateFunction {
  readonly least: number;
  /** Absent: as many as `least`. */
  readonly most?: number;
  /** Throws an Error that says what it cannot do with these. */
  readonly call: (args: readonly Value[]) => Value;
}

const MOST_CHARACTERS = 16 * 1024;

/** Its own order, where a map has none. */
const sorted = (map: ReadonlyMap<string, string>): readonly (readonly [string, string])[] => [...map].toSorted(([one], [other]) => (one < other ? -1 : 1));

const isList = (value: Value): value is readonly string[] => Array.isArray(value);
const isMap = (value: Value): value is ReadonlyMap<string, string> => value instanceof Map;

/** As fmt.Print has it. */
export function shown(value: Value): string {
  if (value === undefined) return '<no value>';
  if (isList(value)) return `[${value.join(' ')}]`;
  return isMap(value) ? `map[${sorted(value).map((entry) => entry.join(':')).join(' ')}]` : String(value);
}

/** As encoding/json has it: a map's names in their order. */
export const asJson = (value: Value): string => JSON.stringify(isMap(value) ? Object.fromEntries(sorted(value)) : (value ?? null));

export const isTrue = (value: Value): boolean => (isMap(value) ? value.size > 0 : isList(value) ? value.length > 0 : Boolean(value));

const typeOf = (value: Value): string => (value === undefined ? 'nil' : isList(value) ? '[]string' : isMap(value) ? 'map[string]string' : typeof value === 'number' ? 'int' : typeof value === 'boolean' ? 'bool' : 'string');

function text(value: Value): string {
  if (typeof value !== 'string') throw new Error(`wrong type for value; expected string; got ${typeOf(value)}`);
  return value;
}

function whole(value: Value): number {
  if (typeof value !== 'number') throw new Error(`wrong type for value; expected int; got ${typeOf(value)}`);
  return value;
}

function list(value: Value): readonly string[] {
  if (!isList(value)) throw new Error(`wrong type for value; expected []string; got ${typeOf(value)}`);
  return value;
}

/** Of a result's characters, before it is made. */
function bounded(characters: number): number {
  if (characters > MOST_CHARACTERS) throw new Error(`the result has more than ${MOST_CHARACTERS} characters`);
  return characters;
}

/** -1, 0 or 1, of two of one kind. */
function order(one: Value, other: Value): number {
  if (typeof one !== typeof other || (typeof one !== 'string' && typeof one !== 'number')) throw new Error('incompatible types for comparison');
  return one === other ? 0 : (one as string) < (other as string) ? -1 : 1; // both are of one type
}

function equal(one: Value, others: readonly Value[]): boolean {
  if (isList(one) || isMap(one)) throw new Error('non-comparable type');
  return others.some((other) => {
    if (typeof one !== typeof other) throw new Error('incompatible types for comparison');
    return one === other;
  });
}

function elementOf(value: Value, at: Value): Value {
  if (isMap(value)) return value.get(text(at)) ?? '';
  const index = whole(at);
  const element = list(value)[index];
  if (element === undefined) throw new Error(`index out of range: ${index}`);
  return element;
}

/** fmt.Sprint: a blank between two of which none is a string. */
const printed = (args: readonly Value[]): string => args.map((arg, index) => (index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string' ? ` ${shown(arg)}` : shown(arg))).join('');

const VERB = /%([-+0 #]*)((?:[1-9]\d*)?)(?:\.(\d+))?([a-zA-Z%])/g;

/** Of fmt.Sprintf the verbs that have something to say of strings and numbers. */
function formatted([format, ...args]: readonly Value[]): string {
  const rest = [...args];
  return text(format).replaceAll(VERB, (verb, flags: string, width: string, precision: string | undefined, letter: string) => {
    if (letter === '%') return '%';
    if (rest.length === 0) return `%!${letter}(MISSING)`;
    const value = rest.shift();
    bounded(Number(width));
    const plain = verbText(letter, value, precision === undefined ? undefined : Number(precision), verb);
    if (flags.includes('-')) return plain.padEnd(Number(width));
    return flags.includes('0') && typeof value === 'number' ? plain.padStart(Number(width), '0') : plain.padStart(Number(width));
  });
}

function verbText(letter: string, value: Value, precision: number | undefined, verb: string): string {
  if (letter === 'v' || (letter === 's' && typeof value !== 'number' && typeof value !== 'boolean')) return shown(value).slice(0, precision);
  if (letter === 'd' && typeof value === 'number') return String(value);
  if (letter === 't' && typeof value === 'boolean') return String(value);
  if (letter === 'q' && typeof value === 'string') return JSON.stringify(value);
  if (letter.toLowerCase() === 'x' && (typeof value === 'string' || typeof value === 'number')) {
    const digits = typeof value === 'number' ? value.toString(16) : Buffer.from(value).toString('hex');
    return letter === 'X' ? digits.toUpperCase() : digits;
  }
  throw new Error(`Berth does not support ${verb} of a ${typeOf(value)} in a log tag`);
}

const ANY = Number.MAX_SAFE_INTEGER;
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };

/** Docker's, and Go's own. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  json: { least: 1, call: ([value]) => asJson(value) },
  split: { least: 2, call: ([value, separator]) => text(value).split(text(separator)) },
  join: { least: 2, call: ([values, separator]) => (bounded(list(values).length * text(separator).length), list(values).join(text(separator))) },
  title: { least: 1, call: ([value]) => text(value).replaceAll(/(?<![\p{L}\p{N}_])\p{Ll}/gu, (letter) => letter.toUpperCase()) },
  lower: { least: 1, call: ([value]) => text(value).toLowerCase() },
  upper: { least: 1, call: ([value]) => text(value).toUpperCase() },
  pad: { least: 3, call: ([value, before, after]) => (text(value) === '' ? '' : `${' '.repeat(bounded(whole(before)))}${text(value)}${' '.repeat(bounded(whole(after)))}`) },
  truncate: { least: 2, call: ([value, length]) => text(value).slice(0, whole(length)) },
  print: { least: 0, most: ANY, call: printed },
  println: { least: 0, most: ANY, call: (args) => `${args.map(shown).join(' ')}\n` },
  printf: { least: 1, most: ANY, call: formatted },
  html: { least: 1, most: ANY, call: (args) => printed(args).replaceAll(/[&<>"']/g, (sign) => HTML[sign] ?? sign) },
  urlquery: { least: 1, most: ANY, call: (args) => encodeURIComponent(printed(args)).replaceAll('%20', '+').replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`) },
  len: { least: 1, call: ([value]) => (isMap(value) ? value.size : isList(value) ? value.length : Buffer.byteLength(text(value))) },
  index: { least: 2, call: ([value, at]) => elementOf(value, at) },
  not: { least: 1, call: ([value]) => !isTrue(value) },
  and: { least: 1, most: ANY, call: (args) => args.find((arg) => !isTrue(arg)) ?? args.at(-1) },
  or: { least: 1, most: ANY, call: (args) => args.find(isTrue) ?? args.at(-1) },
  eq: { least: 2, most: ANY, call: ([one, ...others]) => equal(one, others) },
  ne: { least: 2, call: ([one, other]) => !equal(one, [other]) },
  lt: { least: 2, call: ([one, other]) => order(one, other) < 0 },
  le: { least: 2, call: ([one, other]) => order(one, other) <= 0 },
  gt: { least: 2, call: ([one, other]) => order(one, other) > 0 },
  ge: { least: 2, call: ([one, other]) => order(one, other) >= 0 },
};
