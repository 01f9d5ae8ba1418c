import { expect, test } from 'vitest';
import { logIn } from './registry-login.js';

test('a server of nothing but slashes holds nobody up', async () => {
  const begun = performance.now();
  await expect(logIn(`http://127.0.0.1:1${'/'.repeat(100_000)}\n`, { username: 'somebody', password: 'secret' }, [])).rejects.toThrow('127.0.0.1:1');
  expect(performance.now() - begun).toBeLessThan(2000);
});
