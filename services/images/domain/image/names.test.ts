import { describe, expect, test } from 'vitest';
import { areOne, goesWith } from './names.js';

const [first, second] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];

describe('names are one', () => {
  test.each([
    [[]],
    [['app:1']],
    [['app:1', `app@${first}`, `app@${second}`]],
    [[`app@${first}`, `app@${second}`]],
  ])('%j', (names: string[]) => expect(areOne(names)).toBe(true));

  test.each([
    [['app:1', 'app:2']],
    [['app:1', 'other:1']],
    [['app:1', `other@${first}`]],
    [[`app@${first}`, `other@${first}`]],
  ])('but not %j', (names: string[]) => expect(areOne(names)).toBe(false));
});

test.each([
  ['app:1', ['app:1', 'app:2', `app@${first}`], ['app:1']],
  ['app:1', ['app:1', `app@${first}`, 'other:1', `other@${first}`], ['app:1', `app@${first}`]],
  [`app@${first}`, [`app@${first}`, `app@${second}`, 'other:1'], [`app@${first}`]],
])('with %s of %j goes %j', (name, names, gone) => expect(goesWith(name, names)).toEqual(gone));
