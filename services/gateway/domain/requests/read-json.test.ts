import { expect, test } from 'vitest';
import { readCreateRequest } from './create-request.js';
import { readJson, readJsonBody } from './read-json.js';

test.each([
  ['9007199254740993', '9007199254740992'],
  ['9223372036854775807', '9223372036854775000'],
  ['-9223372036854775808', '-9223372036854775000'],
  ['12', '12'],
  ['1e3', '1000'],
])('the number %s is kept as %s, which fits 64 bits', (number, kept) => {
  expect(JSON.stringify(readJson(`{"HostConfig":{"Memory":${number}}}`))).toBe(`{"HostConfig":{"Memory":${kept}}}`);
  expect(BigInt(kept) < 2n ** 63n).toBe(true);
});

test.each(['9223372036854775808', '-9223372036854775809', '1e300', '12345678901234567.5'])('the number %s is refused', (number) => {
  expect(() => readJson(`{"Memory":${number}}`)).toThrow(`json: cannot unmarshal number ${number} into Go struct field Memory of type int64`);
});

test('digits of a text are left alone', () => {
  expect(readJson('{"Image":"9223372036854775808","Labels":{"a":"1e999"}}')).toEqual({ Image: '9223372036854775808', Labels: { a: '1e999' } });
});

const nested = (open: string, close: string, depth: number): string => `${open.repeat(depth)}1${close.repeat(depth)}`;

test.each([['[', ']'], ['{"a":', '}']])('of %s in %s no more is read than whoever looks through it has a stack for', (open, close) => {
  for (const number of ['1', '12345678901234567']) {
    const body = (depth: number): string => `{"Labels":{"a":"\\"[["},"StopTimeout":${number},"Healthcheck":{"Other":${nested(open, close, depth)}}}`;
    expect(readCreateRequest(readJsonBody(body(998)))).toHaveProperty('config.Healthcheck');
    for (const depth of [999, 100_000]) expect(() => readJsonBody(body(depth))).toThrow(expect.objectContaining({ kind: 'invalid', message: `invalid JSON: invalid character '${open[0]}' exceeded max depth` }) as Error);
  }
});
