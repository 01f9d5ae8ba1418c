import { expect, test } from 'vitest';
import { readFirstJson, readJson, readJsonBody } from './read-json.js';

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

test('what is behind the first value is left alone where dockerd leaves it alone', () => {
  expect(readFirstJson('{"a":1} x')).toEqual({ a: 1 });
  expect(() => readJsonBody('{"a":1} x')).toThrow('unexpected content after JSON');
  expect(() => readFirstJson('{"a":')).toThrow('invalid JSON: unexpected EOF');
});
