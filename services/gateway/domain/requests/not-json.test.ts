import { expect, test } from 'vitest';
import { notJsonText } from './not-json.js';

test.each(['text/plain', 'rubbish', 'multipart/form-data; a=b; c="d;e"', 'text/plain;'])('%s is a type, and not that of JSON', (type) => expect(notJsonText(type)).toBe(`unsupported Content-Type header (${type}): must be 'application/json'`));

test.each([
  ['', 'no media type'],
  ['/b', 'no media type'],
  [';x=1', 'no media type'],
  ['a b', 'expected slash after first token'],
  ['a/', 'expected token after slash'],
  ['a/b/c', 'unexpected content after media subtype'],
  ['application/json, text/plain', 'unexpected content after media subtype'],
  ['rubbish; a; b', 'invalid media parameter'],
  ['text/plain; a=b; A=c', 'duplicate parameter name'],
])('%j is no type', (type, why) => expect(notJsonText(type)).toBe(`malformed Content-Type header (${type}): mime: ${why}`));
