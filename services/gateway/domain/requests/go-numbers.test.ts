import { expect, test } from 'vitest';
import { goInteger } from './go-numbers.js';

test.each([['5', 5], ['+1', 1], ['-5', -5], ['007', 7], ['9223372036854775807', 2 ** 63]])('%s is a number', (text, number) => expect(goInteger('Atoi', text)).toBe(number));

test.each([
  ['Atoi', 'x', 'invalid syntax'],
  ['Atoi', '1.5', 'invalid syntax'],
  ['Atoi', ' 1', 'invalid syntax'],
  ['Atoi', '', 'invalid syntax'],
  ['Atoi', '9223372036854775808', 'value out of range'],
  ['ParseInt', '99999999999999999999', 'value out of range'],
  ['ParseUint', '+1', 'invalid syntax'],
  ['ParseUint', '65536', 'value out of range'],
] as const)('%s tells of %j as Go does', (reader, text, why) => expect(() => goInteger(reader, text)).toThrow(`strconv.${reader}: parsing ${JSON.stringify(text)}: ${why}`));
