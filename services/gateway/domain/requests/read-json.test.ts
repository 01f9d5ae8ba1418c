import { expect, test } from 'vitest';
import { exactJson } from '../docker/exact-json.js';
import { readCreateRequest } from './create-request.js';
import { readFirstJson, readJson, readJsonBody } from './read-json.js';

test.each(['9007199254740992', '9007199254740994', '9223372036854771712', '9223372036854775807', '-9223372036854775808', '12'])('the number %s is kept, and shown as it was', (number) => {
  expect(exactJson(readJson(`{"HostConfig":{"Memory":${number}}}`))).toBe(`{"HostConfig":{"Memory":${number}}}`);
});

test('a number that would become another is refused', () => {
  expect(() => readJson('{"HostConfig":{"Memory":9007199254740993}}')).toThrow('Berth cannot keep Memory as 9007199254740993: of whole numbers beyond 9007199254740991 it has only some, of which 9007199254740992 is the nearest');
  expect(() => readJson('{"Memory":-9223372036854775807}')).toThrow('Berth cannot keep Memory as -9223372036854775807');
  expect(readJson('{"Memory":1e3}')).toEqual({ Memory: 1000 });
});

test('what only looks like a large number is shown as it is', () => {
  const shown = { a: ':1234567890123456789', b: [1.5, 1e21, Number.MAX_SAFE_INTEGER], c: null };
  expect(JSON.parse(exactJson(shown))).toEqual(shown);
});

test.each(['9223372036854775808', '-9223372036854775809', '1e300', '12345678901234567.5'])('the number %s is refused', (number) => {
  expect(() => readJson(`{"Memory":${number}}`)).toThrow(`json: cannot unmarshal number ${number} into Go struct field Memory of type int64`);
});

test('digits of a text are left alone', () => {
  expect(readJson('{"Image":"9223372036854775808","Labels":{"a":"1e999"}}')).toEqual({ Image: '9223372036854775808', Labels: { a: '1e999' } });
});

test('what is behind the first value is left alone where dockerd leaves it alone', () => {
  expect(readFirstJson('{"a":1} x')).toEqual({ a: 1 });
  expect(() => readJsonBody('{"a":1} x')).toThrow('unexpected content after JSON');
  expect(() => readFirstJson('{"a":')).toThrow('invalid JSON: unexpected EOF');
});

const nested = (open: string, close: string, depth: number): string => `${open.repeat(depth)}1${close.repeat(depth)}`;

test.each([['[', ']'], ['{"a":', '}']])('of %s in %s no more is read than whoever looks through it has a stack for', (open, close) => {
  for (const number of ['1', '12345678901234568']) {
    const body = (depth: number): string => `{"Labels":{"a":"\\"[["},"StopTimeout":${number},"Healthcheck":{"Other":${nested(open, close, depth)}}}`;
    expect(readCreateRequest(readJsonBody(body(998)))).toHaveProperty('config.Healthcheck');
    for (const depth of [999, 100_000]) expect(() => readJsonBody(body(depth))).toThrow(expect.objectContaining({ kind: 'invalid', message: `invalid JSON: invalid character '${open[0]}' exceeded max depth` }) as Error);
  }
});
