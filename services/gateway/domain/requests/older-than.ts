import { type BerthError, invalid, unclassified } from '#libs/errors/errors.js';
import { momentOf } from '../docker/time.js';
import type { Filters } from './filters.js';

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/;

/** until=: a moment, or how long ago, as Go writes it: "24h", "1h30m". `now` in ms since 1970. `of`: of images dockerd refuses what is none with its 500. */
export function olderThan(filters: Filters, now: number, of: 'images' | 'others' = 'others'): (time: string) => boolean {
  const wrong = of === 'images' ? unclassified : invalid;
  const values = filters.get('until') ?? [];
  if (values.length > 1) throw wrong('more than one until filter specified');
  return olderThanAll(filters, now, wrong);
}

/** As olderThan, of a list of images: of several moments each counts. */
export function olderThanAll(filters: Filters, now: number, wrong: (message: string, cause?: unknown) => BerthError = unclassified): (time: string) => boolean {
  const limits = (filters.get('until') ?? []).map((value) => {
    if (DURATION.test(value)) return now - durationMs(value);
    const moment = value === '' ? undefined : momentOf(value);
    if (moment === undefined) throw wrong(`failed to parse value as time or duration: ${JSON.stringify(value)}`);
    return moment;
  });
  return (time) => limits.every((limit) => Date.parse(time) < limit);
}

function durationMs(text: string): number {
  let total = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)) total += Number(count) * (UNITS_MS[unit] ?? 0);
  return total;
}
