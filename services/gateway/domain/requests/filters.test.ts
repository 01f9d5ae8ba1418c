import { expect, test } from 'vitest';
import { labelsFit, nameFilter, readFilters } from './filters.js';

test('both forms of filters are read, and an unknown one is refused by name', () => {
  expect(readFilters('{"label":{"a":true,"b":false}}', ['label']).get('label')).toEqual(['a', 'b']);
  expect(readFilters('{"label":null}', ['label']).get('label')).toEqual([]);
  expect(readFilters('{"label":["a"]}', ['label']).get('label')).toEqual(['a']);
  expect(() => readFilters('{"colour":["red"]}', ['label'])).toThrow("invalid filter 'colour'");
});

test.each(['{"until":"24h"}', '{"until":86400}', '{"until":true}', '{"until":[24]}', '{"until":{"24h":1}}', '{"until":{"24h":{}}}', '"until"', '[]', '{'])('%s is no filter: taken for one that says nothing it would have a prune take everything', (text) => {
  expect(() => readFilters(text, ['until'])).toThrow(/^invalid filter$/);
});

test('labels must all hold, a name may be a part or a pattern', () => {
  const filters = readFilters('{"label":["a","b=1"]}', ['label']);
  expect(labelsFit(filters, { a: '', b: '1' })).toBe(true);
  expect(labelsFit(filters, { a: '', b: '2' })).toBe(false);
  const named = (...patterns: readonly string[]) => nameFilter(new Map([['name', patterns]]));
  expect([named()('web'), named('eb')('web'), named('^/web$')('web'), named('^we$')('web'), named('[')('web'), named('db', '^w.*b$')('web')]).toEqual([true, true, true, false, false, true]);
});

test('patterns of names hold nobody up, however many they are', () => {
  const named = (...patterns: readonly string[]) => nameFilter(new Map([['name', patterns]]));
  const begun = performance.now();
  expect(named(`${'.*'.repeat(13)}!`, '(a+)+!')('a'.repeat(100))).toBe(false);
  expect(performance.now() - begun).toBeLessThan(1000);
  expect(() => named('x'.repeat(257))).toThrow('too long');
  expect(() => named('(.?){1000}', '(.?){1000}')).toThrow('repeat too much');
  const folded = `(?i)${'[B-\u{1e942}]'.repeat(40)}`;
  expect(() => named(...Array.from({ length: 16 }, () => folded))).toThrow('too large classes');
  expect(performance.now() - begun).toBeLessThan(1000);
});

test('many plain names, and classes as a person writes them, are not too much', () => {
  const named = (...patterns: readonly string[]) => nameFilter(new Map([['name', patterns]]));
  expect(named(...Array.from({ length: 500 }, (_, at) => `^/container-number-${at}$`))('container-number-499')).toBe(true);
  expect(named('(?i)^[a-zà-ü]+_[\\pL\\pN]{1,20}$')('WEB_1')).toBe(true);
});

test('values are counted, of all names together: a plain name weighs nothing, and a URL takes a hundred thousand', () => {
  const values = (count: number) => Array.from({ length: count }, (_, at) => `a${at}`);
  const read = (name: number, id: number) => readFilters(JSON.stringify({ name: values(name), id: Object.fromEntries(values(id).map((value) => [value, true])) }), ['name', 'id']);
  expect(read(1000, 24).get('id')).toHaveLength(24);
  expect(() => read(1000, 25)).toThrow('more than 1024 values');
});
