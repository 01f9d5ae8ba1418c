import { expect, test } from 'vitest';
import { globFits } from './glob.js';

test('stars and question marks stop at slashes, and everything else is itself', () => {
  expect([globFits('debian*', 'debian:12'), globFits('*/app:v?', 'team/app:v1'), globFits('a*b*c', 'axxbyybzc'), globFits('**', ''), globFits('a+b', 'a+b')]).toEqual([true, true, true, true, true]);
  expect([globFits('debian', 'debian:12'), globFits('*', 'team/app'), globFits('?', '/'), globFits('a*b', 'abc'), globFits('*?', ''), globFits('a.b', 'axb')]).toEqual([false, false, false, false, false, false]);
});

test.each([
  ['busy[b]ox', 'busybox', true],
  ['busy[a-c]ox', 'busybox', true],
  ['busy[^a-c]ox', 'busybox', false],
  ['[^a-b]*', 'busybox', false],
  ['[a\\-]x', '-x', true],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
])('%s of %s', (pattern, text, fits) => expect(globFits(pattern, text)).toBe(fits));

test.each(['[', 'a[', '[a', '[]', '*[', '[^', '[a-]', '[-a]', 'a\\'])('%s is no pattern', (pattern) => expect(() => globFits(pattern, 'app')).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('syntax error in pattern') as string }) as Error));

test('no pattern takes more than a moment', () => {
  const begun = performance.now();
  expect(globFits('*a'.repeat(1000) + '!', 'a'.repeat(2000))).toBe(false);
  expect(() => globFits('[' + 'a-'.repeat(15_000), 'a')).toThrow();
  expect(performance.now() - begun).toBeLessThan(1000);
});
