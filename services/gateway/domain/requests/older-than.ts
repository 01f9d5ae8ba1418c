import { invalid } from '#libs/errors/errors.js';
import { readTimeLimit } from '../docker/time.js';
import type { Filters } from './filters.js';

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/;

/** until=: a moment, or how long ago, as Go writes it: "24h", "1h30m". `now` in ms since 1970. */
export function olderThan(filters: Filters, now: number): (time: string) => boolean {
  const values = filters.get('until') ?? [];
  if (values.length > 1) throw invalid('more than one until filter specified');
  const [value] = values;
  if (value === undefined) return () => true;
  const limit = DURATION.test(value) ? now - durationMs(value) : Date.parse(moment(value));
  return (time) => Date.parse(time) < limit;
}

function moment(text: string): string {
  try {
    return readTimeLimit('until', text);
  } catch (error) {
    throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`, error);
  }
}

function durationMs(text: string): number {
  let total = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) total += Number(count) * (UNITS_MS[unit] ?? 0);
  return total;
}
