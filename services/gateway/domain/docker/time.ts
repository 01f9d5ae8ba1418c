import { errorMessage, unclassified } from '#libs/errors/errors.js';
import { goInteger } from '../requests/go-numbers.js';

/** How Go prints a time that never was; clients compare with it. */
export const NEVER = '0001-01-01T00:00:00Z';

export const orNever = (time: string): string => (time === '' ? NEVER : time);

export const unixSeconds = (time: string): number => {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
};

/** Nanoseconds since 1970, as the nine digits of an RFC 3339 time give them; a bigint, since a double is 200 ns off by now. */
export function unixNanos(time: string): bigint {
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? '';
  return BigInt(unixSeconds(time)) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Whole seconds from one time to a later one; 0 where they are not in this order. */
export const secondsBetween = (from: string, to: string): number => {
  const nanos = unixNanos(to) - unixNanos(from);
  return nanos > 0n ? Number(nanos / 1_000_000_000n) : 0;
};

/** The first and last second of four-digit years. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/;

/** In ms since 1970, of a date as filters have them, RFC 3339 or a beginning of that, or of Unix seconds; undefined: it is neither. */
export function momentOf(text: string): number | undefined {
  const moment = Date.parse(DATE.test(text) ? text : '');
  if (!Number.isNaN(moment)) return moment;
  try {
    return Date.parse(readTimeLimit(text));
  } catch {
    return undefined;
  }
}

/**
 * A `since` or `until` as clients send them: Unix seconds with an optional fraction. Gives RFC 3339 in UTC with nine digits, so that two compare as text;
 * '' for none ('' and -1, as in dockerd). Throws otherwise, as dockerd does, also for a date: clients make Unix seconds of these.
 */
export function readTimeLimit(value: string | undefined): string {
  if (value === undefined || value === '' || value === '-1') return '';
  const [second, fraction = ''] = unixTime(value);
  const near = Math.max(FIRST_SECOND, Math.min(second, LAST_SECOND));
  return `${new Date(near * 1000).toISOString().slice(0, 19)}.${fraction.slice(0, 9).padEnd(9, '0')}Z`;
}

function unixTime(value: string): readonly [second: number, fraction: string | undefined] {
  const dot = value.indexOf('.');
  try {
    if (dot < 0) return [goInteger('ParseInt', value), undefined];
    const second = goInteger('ParseInt', value.slice(0, dot));
    const fraction = value.slice(dot + 1);
    goInteger('ParseInt', fraction); // throws
    return [second, fraction.replace(/^[+-]/, '')];
  } catch (error) {
    throw unclassified(errorMessage(error), error);
  }
}
