import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { namedProcesses } from './named-processes.js';

test('processes are named with what they do, and who is gone by now is not', async () => {
  const child = spawn('sh', ['-c', 'printf "a) R\\n(" > /proc/self/comm; kill -STOP $$; :'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'latin1')).toMatch(/\) T /);
  expect(namedProcesses([pid])).toBe(`${pid} (a) R?(), which is stopped`);
  expect(namedProcesses([pid, ...Array.from({ length: 6 }, () => process.pid)])).toMatch(/^\d+ \(a\).*; and 2 more$/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(namedProcesses([pid])).toBeUndefined();
});
