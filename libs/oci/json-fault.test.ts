import { expect, test } from 'vitest';
import { firstValue, jsonFault } from './json-fault.js';

// What a dockerd says behind "invalid JSON: ".
test.each([
  ['rubbish', "invalid character 'r' looking for beginning of value"],
  ['{', 'unexpected EOF'],
  ['', 'EOF'],
  [' ', 'EOF'],
  ['nul', 'unexpected EOF'],
  ['-', 'unexpected EOF'],
  ['[1', 'unexpected EOF'],
  ['{"Image":"bus', 'unexpected EOF'],
  ['{"Image":"busybox"', 'unexpected EOF'],
  ['{"Image":"busybox",}', "invalid character '}' looking for beginning of object key string"],
  ["{'Image':'busybox'}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"Image":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['"\u0001"', "invalid character '\\x01' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['-x', "invalid character 'x' in numeric literal"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1ex', "invalid character 'x' in exponent of numeric literal"],
  ['é', "invalid character 'Ã' looking for beginning of value"],
  ['{} x', ''],
  ['{"a":[{},[],"\\u00e9",-0.5e+7,null,{"b":[1,{"c":false}]}]}', ''],
])('of %j Go says %j', (text, says) => expect(jsonFault(text, 'stream')).toBe(says));

test('of a whole text it says so of its end, and of what is behind it', () => {
  expect([jsonFault('{"a"', 'whole'), jsonFault('', 'whole'), jsonFault('{} x', 'whole'), jsonFault('{}', 'whole')]).toEqual(['unexpected end of JSON input', 'unexpected end of JSON input', "invalid character 'x' after top-level value", '']);
});

test('what is nested as deep as a body is long holds up nobody', () => expect(jsonFault('['.repeat(1 << 20), 'stream')).toBe('unexpected EOF'));

test.each([
  ['{"é":[1]} x', '{"é":[1]}'],
  [' 12 {', ' 12'],
  ['"a""b"', '"a"'],
])('of %j the first value is %j', (text, value) => expect(firstValue(text)).toBe(value));
