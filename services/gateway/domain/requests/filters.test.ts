import { expect, test } from 'vitest';
import { labelsFit, nameFits, readFilters } from './filters.js';

test('both forms of filters are read, and an unknown one is refused by name', () => {
  expect(readFilters('{"label":{"a":true,"b":false}}', ['label']).get('label')).toEqual(['a']);
  expect(readFilters('{"label":["a"]}', ['label']).get('label')).toEqual(['a']);
  expect(() => readFilters('{"colour":["red"]}', ['label'])).toThrow("invalid filter 'colour'");
});

test('labels must all hold, a name may be a part or a pattern', () => {
  const filters = readFilters('{"label":["a","b=1"]}', ['label']);
  expect(labelsFit(filters, { a: '', b: '1' })).toBe(true);
  expect(labelsFit(filters, { a: '', b: '2' })).toBe(false);
  expect([nameFits('eb', 'web'), nameFits('^/web$', 'web'), nameFits('^we$', 'web'), nameFits('[', 'web')]).toEqual([true, true, false, false]);
});
