import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { armFailpoints, failpoint, metFailpoints } from './failpoint.js';

afterEach(() => armFailpoints(undefined));

test('nothing armed, nothing happens and nothing is recorded', async () => {
  await failpoint('a');
  expect(metFailpoints().size).toBe(0);
});

test('an error comes at the hit that was named', async () => {
  armFailpoints('a@2=error');
  await failpoint('a');
  await expect(failpoint('a')).rejects.toMatchObject({ kind: 'unavailable', message: 'failpoint a, hit 2' });
  await failpoint('a');
  await failpoint('b');
  expect([...metFailpoints()]).toEqual([['a', 3], ['b', 1]]);
});

test('a delay waits', async () => {
  armFailpoints('a=delay:30');
  const start = performance.now();
  await failpoint('a');
  expect(performance.now() - start).toBeGreaterThan(25);
});

test('a crash is a SIGKILL', () => {
  const script = `const { failpoint } = await import(${JSON.stringify(new URL('failpoint.js', import.meta.url).href)}); await failpoint('a'); console.log('alive');`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, BERTH_FAILPOINTS: 'a=crash' } });
  expect({ signal: child.signal, out: child.stdout.toString() }).toEqual({ signal: 'SIGKILL', out: '' });
});

test('what cannot be read is said', () => expect(() => armFailpoints('a=explode')).toThrow(/a=explode/));
