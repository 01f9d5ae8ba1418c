import { flagValues, jsonList } from '#libs/dockerfile/instruction.js';
import { invalid } from '#libs/errors/errors.js';

const TIMES = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod', 'start-interval': 'StartInterval' } as const;
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const MILLISECOND = 1e6;

/** `--interval=5s --retries=3 CMD …`, or `NONE`; times are nanoseconds. Throws invalid in Docker's words. */
export function readHealthcheck(flags: readonly string[], rest: string): object {
  const [, kind = '', what = ''] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (kind === '') throw invalid('HEALTHCHECK requires at least one argument');
  if (kind.toUpperCase() === 'NONE') {
    if (what !== '') throw invalid('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const values = flagValues(flags, [...Object.keys(TIMES), 'retries']);
  if (kind.toUpperCase() !== 'CMD') throw invalid(`Unknown type ${JSON.stringify(kind.toUpperCase())} in HEALTHCHECK (try CMD)`);
  const list = jsonList(what);
  if (what === '' || list?.length === 0) throw invalid('Missing command after HEALTHCHECK CMD');
  const times = Object.entries(TIMES).map(([flag, field]) => [field, interval(flag, values.get(flag) ?? '')] as const);
  const retries = count(values.get('retries') ?? '');
  return { Test: list === undefined ? ['CMD-SHELL', what] : ['CMD', ...list], ...Object.fromEntries(times.filter(([, nanoseconds]) => nanoseconds > 0)), ...(retries > 0 ? { Retries: retries } : {}) };
}

function count(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value < 0) throw invalid(`--retries cannot be negative (${value})`);
  if (value > 0x7fff_ffff) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** 0 is the default's. */
function interval(flag: string, text: string): number {
  const value = text === '' ? 0 : nanoseconds(text);
  if (value !== 0 && value < MILLISECOND) throw invalid(`Interval ${JSON.stringify(flag)} cannot be less than 1ms`);
  return value;
}

/** "1m30s", as Go writes it. */
function nanoseconds(text: string): number {
  const [, sign, amount = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (amount === '0') return 0;
  const parts = [...amount.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/gy)];
  const value = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ''] ?? 0), 0);
  if (/^(\d+\.?\d*|\.\d+)$/.test(amount)) throw invalid(`time: missing unit in duration ${JSON.stringify(text)}`);
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== amount || !Number.isSafeInteger(Math.round(value))) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  return Math.round(value) * (sign === '-' ? -1 : 1);
}
