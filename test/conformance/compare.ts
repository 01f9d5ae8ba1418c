import type { Answer } from './answers.js';

/** One place where two answers are not the same. */
export interface Difference {
  readonly request: string;
  /** "status", "headers.content-type", "body.State.Status". */
  readonly place: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

const MISSING = '(nothing)';

/** Both normalised. A message is compared as text, lists item by item. */
export function differencesOf(request: string, expected: Answer, actual: Answer): Difference[] {
  const differences: Difference[] = [];
  const walk = (place: string, one: unknown, other: unknown): void => {
    if (isObject(one) && isObject(other)) {
      for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) walk(`${place}.${name}`, name in one ? one[name] : MISSING, name in other ? other[name] : MISSING);
    } else if (Array.isArray(one) && Array.isArray(other) && one.length === other.length) {
      one.forEach((item, index) => walk(`${place}[${index}]`, item, other[index]));
    } else if (JSON.stringify(one) !== JSON.stringify(other)) {
      differences.push({ request, place, expected: one, actual: other });
    }
  };
  walk('status', expected.status, actual.status);
  walk('headers', expected.headers, actual.headers);
  walk('body', expected.body, actual.body);
  return differences;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

export function tell({ request, place, expected, actual }: Difference): string {
  return `${request}\n    ${place}: dockerd ${JSON.stringify(expected)}\n    ${' '.repeat(place.length)}  Berth   ${JSON.stringify(actual)}`;
}
