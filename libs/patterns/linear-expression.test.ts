import { expect, test } from 'vitest';
import { linearExpression, writtenOut } from './linear-expression.js';

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
  expect([writtenOut('^web$'), writtenOut('[a-f]{12}-.{3}'), writtenOut('((a{9}){9}){9}'), writtenOut('(a{1,}){5,8}'), writtenOut('x{99999}')]).toEqual([5, 14 * 12, 14 * 729, 12 * 8, 8]);
});
