import { invalid } from '#libs/errors/errors.js';

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "2026-01-31T10:00:00Z" (RFC 3339), Unix seconds, or how long ago: "90s", "10m", "2h", "1d". Gives milliseconds since 1970; throws `invalid`, also for what is yet to come. */
export function readTime(text: string, now: number): number {
  const time = momentOf(text, now);
  if (time > now) throw invalid(`"${text}" is yet to come`);
  return time;
}

function momentOf(text: string, now: number): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return now - Number(amount) * (unitMs[unit] ?? 0);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  // Without an offset a time would be read in this machine's zone, and mean another moment elsewhere.
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
  }
  throw invalid(`"${text}" is no time: give RFC 3339 (2026-01-31T10:00:00Z), Unix seconds, or how long ago (90s, 10m, 2h, 1d)`);
}
