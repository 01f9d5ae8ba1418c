import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('any name counts for *', async () => {
  armFailpoints('*@2=error');
  await failpoint('a');
  await expect(failpoint('b')).rejects.toMatchObject({ message: 'failpoint b, hit 2' });
  await failpoint('a');
});

test('a running process takes its orders by SIGUSR2, and leaves behind where it crashed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-failpoint-'));
  const script = `const { failpoint } = await import(${JSON.stringify(new URL('failpoint.js', import.meta.url).href)}); console.log('up'); setInterval(() => failpoint('a'), 5);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, BERTH_FAILPOINT_ORDERS: directory }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  writeFileSync(join(directory, `${child.pid}.arm`), '*@3=crash\n');
  child.kill('SIGUSR2');
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(readFileSync(join(directory, `${child.pid}.armed`), 'utf8')).toBe('{}');
  expect(readFileSync(join(directory, `${child.pid}.crashed`), 'utf8')).toBe('a');
  rmSync(directory, { recursive: true });
});
