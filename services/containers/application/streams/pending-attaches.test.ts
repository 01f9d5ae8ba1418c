import { expect, test } from 'vitest';
import { PendingAttaches } from './pending-attaches.js';

const ticket = (name: number) => ({ ticket: String(name), stdin: false, stdout: true, stderr: false });

test('a start gets the tickets of all who attached before, and none twice', () => {
  const attaches = new PendingAttaches();
  expect([attaches.add('web', 1, ticket(1)), attaches.add('db', 1, ticket(2)), attaches.add('web', 1, ticket(3))]).toEqual([true, true, true]);
  expect(attaches.take('web', 1)).toEqual([ticket(1), ticket(3)]);
  expect(attaches.take('web', 2)).toEqual([]);
});

test('who comes when the start has its tickets does not wait for it', () => {
  const attaches = new PendingAttaches();
  attaches.take('web', 1);
  expect(attaches.add('web', 1, ticket(1))).toBe(false);
  expect(attaches.add('web', 2, ticket(2))).toBe(true);
  expect(attaches.take('web', 2)).toEqual([ticket(2)]);
});

test('one more than a start can wait for is refused, until another is withdrawn', () => {
  const attaches = new PendingAttaches();
  for (let count = 0; count < 400; count++) attaches.add('web', 1, ticket(count));
  expect(() => attaches.add('web', 1, ticket(400))).toThrow('there is no place for another');
  expect(attaches.withdraw('web', '7')).toBe(true);
  expect(attaches.add('web', 1, ticket(401))).toBe(true);
  expect(attaches.take('web', 1)).not.toContainEqual(ticket(7));
  expect(attaches.withdraw('web', '8')).toBe(false);
});
