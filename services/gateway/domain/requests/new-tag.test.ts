import { expect, test } from 'vitest';
import { newTag } from './new-tag.js';

test.each([
  ['mine', undefined, 'mine:latest'],
  ['mine', '', 'mine:latest'],
  ['mine', 'v1', 'mine:v1'],
  ['mine:v1', undefined, 'mine:v1'],
  ['mine:v1', 'v2', 'mine:v2'],
  ['host:5000/mine', undefined, 'host:5000/mine:latest'],
  ['host:5000/mine:v1', 'v2', 'host:5000/mine:v2'],
])('repo=%s, tag=%s is %s', (repository, tag, wanted) => expect(newTag(repository, tag)).toBe(wanted));

test('what looks like an id is no name', () => expect(() => newTag('a'.repeat(64), 'v1')).toThrow(`invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings`));
