import { expect, test } from 'vitest';
import { linearExpression, weightOf } from './linear-expression.js';

const fits = (pattern: string, text: string): boolean => linearExpression(pattern).test(text);

test('patterns are Go’s', () => {
  expect([fits('eb', 'web'), fits('^/?web$', '/web'), fits('w.b', 'web'), fits('^we$', 'web')]).toEqual([true, true, true, false]);
  expect([fits('^web-\\d+$', 'web-12'), fits('(?i)WEB|db', 'web'), fits('[[:digit:]]', 'web'), fits('^(?:web|db)_[a-c]{2}$', 'db_ab')]).toEqual([true, true, false, true]);
  for (const none of ['[', '(', '*', '(?=a)', '(a)\\1']) expect(() => linearExpression(none), none).toThrow('error parsing regexp');
});

test.each(['.*'.repeat(13) + '!', '(a+)+!', '(a|a)*!', '(?:a?){40}a{40}!', '(.*)*\\d'])('no pattern makes a name cost more than a moment: %s', (pattern) => {
  const begun = performance.now();
  expect(fits(pattern, 'a'.repeat(200))).toBe(false);
  expect(performance.now() - begun).toBeLessThan(1000);
});

test('a plain name needs no engine of its own', () => {
  for (const plain of ['web', '/web', '^/web$', '^/?web-1$']) expect(linearExpression(plain)).toBeInstanceOf(RegExp);
  for (const other of ['web*', '^/?web?', '(web)', 'a{2}']) expect(linearExpression(other)).not.toBeInstanceOf(RegExp);
});

test('counted repetitions are written out, those within others as often', () => {
  expect([weightOf('^web*$'), weightOf('[a-f]{12}-.{3}'), weightOf('((a{9}){9}){9}'), weightOf('(a{1,}){5,8}'), weightOf('x{99999}')]).toEqual([6, 14 * 12, 14 * 729, 12 * 8, 8]);
});

test('a plain name weighs nothing, a table of Unicode or a range beyond ASCII without regard to case a lot', () => {
  expect([weightOf('^/?web-1$'), weightOf('\\pL'), weightOf('[\\p{Greek}\\PN]{2}')]).toEqual([0, 103, 17 * 2 + 200]);
  expect([weightOf('(?i)[a-z]'), weightOf('[à-ü]'), weightOf('(?i)[à-ü]'), weightOf('(?si-m:[B-\u{1e942}\\x41-\\x{1e942}])')]).toEqual([9, 5, 1009, 28 + 2000]);
});

/** What takes longest, as often as the widest bound of those who ask lets through. */
test.each(['(?i)[B-\u{1e942}]', '(?i)[^B-\\x{1e942}]', '(?i)[\\pL]', '\\pL|', '[^\\PL]', '(?i:\\p{Lu}|)', 'a?', 'ab|ac|', '(a|b)'])('what weighs no more than 16 KiB is compiled in a moment: %s', (part) => {
  const begun = performance.now();
  linearExpression(part.repeat(Math.floor((16 * 1024) / weightOf(part))));
  expect(performance.now() - begun).toBeLessThan(2000);
});
