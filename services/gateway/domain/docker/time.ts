import { invalid } from '#libs/errors/errors.js';

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

/**
 * A `since` or `until` as clients send them: Unix seconds with an optional fraction, or RFC 3339. Gives RFC 3339, '' for none ('' and 0).
 * Throws `invalid` otherwise.
 */
export function readTimeLimit(name: string, value: string | undefined): string {
  if (value === undefined || value === '' || value === '0') return '';
  const unix = /^(\d+)(?:\.(\d{1,9}))?$/.exec(value);
  if (unix !== null) {
    const second = new Date(Number(unix[1]) * 1000);
    if (Number.isNaN(second.getTime())) throw invalid(`invalid value for "${name}": ${value}`);
    return second.toISOString().replace(/\.000Z$/, `.${(unix[2] ?? '').padEnd(9, '0')}Z`);
  }
  if (Number.isNaN(Date.parse(value))) throw invalid(`invalid value for "${name}": ${value}`);
  return value;
}
