import { expect, test } from 'vitest';
import { upcaster } from './upcast.js';

const upcast = upcaster({
  Created: [(event) => ({ ...event, labels: {} }), (event) => ({ ...event, type: 'Made' })],
  Made: [() => ({ type: 'never' }), () => ({ type: 'never' }), (event) => ({ ...event, third: true })],
});

test('an event goes through each version in between, and through a new name', () => {
  const first = { type: 'Created', name: 'a' };
  expect(upcast(first)).toEqual({ type: 'Made', name: 'a', labels: {}, third: true, v: 4 });
  expect(first).toEqual({ type: 'Created', name: 'a' });
  expect(upcast({ type: 'Created', v: 2, labels: { a: 1 } } as { type: string })).toEqual({ type: 'Made', labels: { a: 1 }, third: true, v: 4 });
});

test('an event without lifts, or newer than they know, stays as it is', () => {
  const other = { type: 'Other' };
  expect(upcast(other)).toBe(other);
  const newer = { type: 'Made', v: 9 };
  expect(upcast(newer)).toBe(newer);
});
