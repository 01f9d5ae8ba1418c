import { expect, test } from 'vitest';
import { applyChanges } from './config-changes.js';

test('a change is an instruction and what follows it, without the blanks around', () => {
  expect(applyChanges(['  ENV  A=b \n', 'WORKDIR\t/x'])).toEqual({ Env: ['A=b'], WorkingDir: '/x' });
  for (const none of ['', 'ENV', 'ENV   ', '-A b']) expect(() => applyChanges([none]), none).toThrow('is not a valid change');
});

test('one of nothing but blanks holds nobody up', () => {
  const begun = performance.now();
  expect(() => applyChanges([`CMD${' '.repeat(1_000_000)}`])).toThrow('is not a valid change');
  expect(performance.now() - begun).toBeLessThan(1000);
});
