import { expect, test } from 'vitest';
import type { ContainerHealth, HealthProbe } from '#contracts/containers/container-state.js';
import { afterProbe, checkHealthcheck, goDuration, healthWhenStarted, mergeHealthcheck, nextProbeIn, probeCommand, unhealthyRestartsOf, withProbe } from './health.js';
import { ProbeOutput } from './probe-output.js';

const SECOND = 1e9;
const startedAt = '2026-01-01T00:00:00.000Z';
const after = (seconds: number): string => new Date(Date.parse(startedAt) + seconds * 1000).toISOString();
const probe = (seconds: number, exitCode: number): HealthProbe => ({ startedAt: after(seconds), endedAt: after(seconds + 1), exitCode, output: '' });
const fresh = healthWhenStarted(undefined);

/** The health after probes at these seconds with these exit codes. */
const health = (healthcheck: object, ...probes: readonly (readonly [seconds: number, exitCode: number])[]): ContainerHealth =>
  probes.reduce((before, [seconds, exitCode]) => withProbe(before, { probe: probe(seconds, exitCode), ...afterProbe(before, probe(seconds, exitCode), { healthcheck, ranMs: seconds * 1000 }) }), fresh);

test('as many failures in a row as Retries make it unhealthy, one success healthy again', () => {
  expect(health({}, [30, 1], [60, 1])).toMatchObject({ status: 'starting', failingStreak: 2 });
  expect(health({}, [30, 1], [60, 1], [90, 1])).toMatchObject({ status: 'unhealthy', failingStreak: 3 });
  expect(health({ Retries: 2 }, [30, 1], [60, 0], [90, -1])).toMatchObject({ status: 'healthy', failingStreak: 1 });
  expect(health({ Retries: 1 }, [30, 7], [60, 0])).toMatchObject({ status: 'healthy', failingStreak: 0 });
});

test('a failure within the start period counts only once it has been healthy', () => {
  const check = { StartPeriod: 100 * SECOND, Retries: 1 };
  expect(health(check, [10, 1], [99, 1])).toMatchObject({ status: 'starting', failingStreak: 0 });
  expect(health(check, [10, 1], [100, 1])).toMatchObject({ status: 'unhealthy', failingStreak: 1 });
  expect(health(check, [10, 0], [20, 1])).toMatchObject({ status: 'unhealthy' });
});

test('five probes are kept', () => {
  expect(health({}, [1, 0], [2, 0], [3, 0], [4, 0], [5, 0], [6, 0]).log.map((one) => one.startedAt)).toEqual([2, 3, 4, 5, 6].map(after));
});

test('the next probe is an interval after the last of this run, and sooner while it starts', () => {
  const dueIn = (state: ContainerHealth, check: object, now: number): number => nextProbeIn(state, check, { startedAt, now: Date.parse(after(now)), ranMs: Math.max(now, 0) * 1000 }) / 1000;
  expect(dueIn(fresh, {}, 0)).toBe(30);
  expect(dueIn(fresh, {}, 29)).toBe(1);
  expect(dueIn(fresh, {}, 99)).toBe(0);
  expect(dueIn(health({}, [30, 0]), { Interval: 5 * SECOND }, 33)).toBe(3);
  expect(dueIn(fresh, { StartPeriod: 60 * SECOND }, 0)).toBe(5);
  expect(dueIn(health({ StartPeriod: 60 * SECOND }, [59, 1]), { StartPeriod: 60 * SECOND, StartInterval: SECOND }, 60)).toBe(30);
  expect(dueIn(health({}, [1, 0]), { StartPeriod: 60 * SECOND, StartInterval: SECOND }, 2)).toBe(30);
  // What an earlier run left in the log says nothing of this one.
  expect(dueIn(healthWhenStarted(health({}, [-500, 1])), {}, 0)).toBe(30);
  // The clock was set back by an hour.
  expect(dueIn(health({}, [30, 0]), {}, -3600)).toBe(30);
});

test("the image's check fills in what the client left open", () => {
  const image = { Test: ['CMD', 'true'], Interval: 3 * SECOND, Retries: 7 };
  expect(mergeHealthcheck(undefined, image)).toEqual(image);
  expect(mergeHealthcheck({ Test: [], Interval: 0, Timeout: SECOND, Retries: 1 }, image)).toEqual({ ...image, Timeout: SECOND, Retries: 1 });
  expect(mergeHealthcheck({ Test: ['NONE'] }, image).Test).toEqual(['NONE']);
  expect([['CMD', 'a', 'b'], ['CMD-SHELL', 'a b'], ['NONE'], ['ODD', 'x'], []].map((Test) => probeCommand({ Test }))).toEqual([['a', 'b'], ['/bin/sh', '-c', 'a b'], undefined, undefined, undefined]);
});

test('what cannot be is refused', () => {
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval']) expect(() => checkHealthcheck({ [name]: 999_999 })).toThrow(`${name} in Healthcheck cannot be less than 1ms`);
  expect(() => checkHealthcheck({ Retries: -1 })).toThrow('Retries in Healthcheck cannot be negative');
  expect([undefined, {}, { 'berth.restart': 'unhealthy' }, { 'berth.restart': 'unhealthy:3' }].map(unhealthyRestartsOf)).toEqual([undefined, undefined, 0, 3]);
  for (const value of ['', 'always', 'unhealthy:', 'unhealthy:0', 'unhealthy:-1', 'unhealthy:1e3']) expect(() => unhealthyRestartsOf({ 'berth.restart': value })).toThrow('invalid label');
});

test('times are printed as Go does', () => {
  expect([0.2 * SECOND, SECOND, 1.5 * SECOND, 60 * SECOND, 90 * SECOND, 3600 * SECOND, 250_000].map(goDuration)).toEqual(['200ms', '1s', '1.5s', '1m0s', '1m30s', '1h0m0s', '250µs']);
});

test('output is put together from frames in any pieces, and cut at 4096 bytes', () => {
  const frame = (stream: number, text: string): Buffer => {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const all = Buffer.concat([frame(1, 'one '), frame(2, ''), frame(2, 'two')]);
  for (let size = 1; size <= all.length; size++) {
    const output = new ProbeOutput();
    for (let at = 0; at < all.length; at += size) output.add(all.subarray(at, at + size));
    expect(output.text).toBe('one two');
  }
  const long = new ProbeOutput();
  for (let i = 0; i < 3; i++) long.add(frame(1, 'x'.repeat(2048)));
  expect(long.text).toBe(`${'x'.repeat(4096)}...`);
});
