import { expect, test } from 'vitest';
import { flag, integer, list, text } from './query-values.js';

test('of what is given twice the first counts, as for Go and for authorization plugins', () => {
  const query = { name: ['web', 'db'], force: ['0', '1'], t: ['', '5'], none: undefined };
  expect([text(query, 'name'), flag(query, 'force'), integer(query, 't'), text(query, 'none')]).toEqual(['web', false, undefined, undefined]);
  expect(list(query, 'name')).toEqual(['web', 'db']);
});
