import { expect, test } from 'vitest';
import { parseDetachKeys, typed, watchingFor } from './detach-keys.js';

test('detach keys are caught over two writes, and what only looked like them goes on', () => {
  const keys = parseDetachKeys('');
  expect([...keys]).toEqual([16, 17]);
  const first = typed(watchingFor(keys), Buffer.from('a\x10'));
  expect([first.pass.toString(), first.detached]).toEqual(['a', false]);
  expect(typed(first.state, Buffer.from('b')).pass.toString()).toBe('\x10b');
  expect(typed(first.state, Buffer.from('\x10')).pass.toString()).toBe('\x10');
  expect(typed(typed(first.state, Buffer.from('\x10')).state, Buffer.from('\x11')).detached).toBe(true);
  const detached = typed(first.state, Buffer.from('\x11rest'));
  expect([detached.pass.length, detached.detached]).toEqual([0, true]);
  expect(() => parseDetachKeys('ctrl-1')).toThrow('Invalid detach keys');
});
