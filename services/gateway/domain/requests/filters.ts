import { invalid } from '#libs/errors/errors.js';
import { linearExpression, weightOf } from '#libs/patterns/linear-expression.js';

/** Filter name to the values given for it. Values of one name are alternatives (labels: all must hold), names must all hold. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** Of one request, of all names together: each value is held against each container, image or event, and nobody else is answered meanwhile. A URL takes a hundredfold. */
const MOST_VALUES = 1024;

/**
 * The `filters` query parameter: JSON of `{"name":["value"]}`, or of the form before 1.22, `{"name":{"value":true}}`, whatever is true there; null says nothing. Throws `invalid`
 * for anything else, and for a name that is not `accepted`, where that is given: a prune whose filter says nothing takes everything.
 */
export function readFilters(text: string | undefined, accepted?: readonly string[]): Filters {
  const filters = new Map<string, readonly string[]>();
  if (text === undefined || text === '') return filters;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalid('invalid filter', error);
  }
  if (parsed === null) return filters;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw invalid('invalid filter');
  let count = 0;
  const read = Object.entries(parsed).map(([name, values]) => [name, valuesIn(values)] as const);
  if (read.some(([, list]) => list === undefined)) throw invalid('invalid filter');
  for (const [name, list = []] of read) {
    if (accepted?.includes(name) === false) throw invalid(`invalid filter '${name}'`);
    count += list.length;
    if (count > MOST_VALUES) throw invalid(`invalid filter: more than ${MOST_VALUES} values`);
    filters.set(name, list);
  }
  return filters;
}

function valuesIn(values: unknown): readonly string[] | undefined {
  if (values === null) return [];
  if (Array.isArray(values)) return values.every((value) => typeof value === 'string') ? values : undefined;
  return typeof values === 'object' && values !== undefined && Object.values(values as object).every((on) => typeof on === 'boolean') ? Object.keys(values as object) : undefined;
}

/** Whether one of the values given for `name` fits; true when none was given. */
export function anyOf(filters: Filters, name: string, fits: (value: string) => boolean): boolean {
  const values = filters.get(name);
  return values === undefined || values.length === 0 || values.some(fits);
}

/** A filter that is true or false; undefined where it was not given. Throws invalid for any other value. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name) ?? [];
  if (values.length === 0) return undefined;
  if (values.every((value) => value === 'true' || value === '1')) return true;
  if (values.every((value) => value === 'false' || value === '0')) return false;
  throw invalid(`invalid filter '${name}=[${values.toSorted().join(' ')}]'`);
}

/** "key" or "key=value", all of them. */
export function labelsFit(filters: Filters, labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return (filters.get('label') ?? []).every((wanted) => labelMatches(wanted, labels));
}

export function labelMatches(wanted: string, labels: Readonly<Record<string, string>> | null | undefined): boolean {
  const cut = wanted.indexOf('=');
  const value = labels?.[cut < 0 ? wanted : wanted.slice(0, cut)];
  return value !== undefined && (cut < 0 || value === wanted.slice(cut + 1));
}

/** Of one request, by weight: a name is short, each container's is matched, and nobody else is answered meanwhile. */
const MOST_PATTERNS = 4 * 1024;

/** Whether a name fits one of the patterns given for it, with or without the slash in front: regular expressions where they are some, else plain text. */
export function nameFilter(filters: Filters): (name: string) => boolean {
  const patterns = filters.get('name') ?? [];
  for (const { length } of patterns) if (length > 256) throw invalid(`filter of ${length} characters is too long`);
  if (patterns.reduce((sum, pattern) => sum + weightOf(pattern), 0) > MOST_PATTERNS) throw invalid('filters of names are too many, repeat too much or have too large classes');
  const wanted = patterns.map(wantedName);
  return (name) => wanted.length === 0 || wanted.some((fits) => fits(name));
}

function wantedName(pattern: string): (name: string) => boolean {
  try {
    const expression = linearExpression(pattern);
    return (name) => expression.test(name) || expression.test(`/${name}`);
  } catch {
    return (name) => name.includes(pattern);
  }
}
