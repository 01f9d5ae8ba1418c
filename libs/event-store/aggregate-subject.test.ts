import { expect, test } from 'vitest';
import { parseSubject, subjectOf } from './aggregate-subject.js';

test('an id is one token, and comes back as it was', () => {
  expect(subjectOf('volume', 'a..b')).toBe('berth.event.volume.a%2E%2Eb');
  for (const id of ['web', 'a..b', '*', '>', 'ü ', 'a'.repeat(3_000)]) expect(parseSubject(subjectOf('volume', id))).toEqual({ kind: 'volume', id });
});

test('what is longer than a line of NATS may be is refused, also where only its escapes are', () => {
  for (const id of ['a'.repeat(4_000), '.'.repeat(1_100)]) expect(() => subjectOf('volume', id)).toThrow(expect.objectContaining({ kind: 'invalid', message: expect.stringContaining(`${id.length} characters`) as string }) as Error);
});
