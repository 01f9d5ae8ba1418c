import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isEnding } from './is-ending.js';

test('a process is ending once it is a zombie, and when it is gone', async () => {
  // Its child lies dead until it looks.
  const parent = spawn('sh', ['-c', 'sh -c "exit 0" & echo $!; read line; wait'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(line.toString());
  await expect.poll(() => readFileSync(`/proc/${child}/stat`, 'latin1')).toContain(') Z ');
  expect([isEnding(process.pid), isEnding(child)]).toEqual([false, true]);
  parent.stdin.end('\n');
  await once(parent, 'exit');
  expect(isEnding(child)).toBe(true);
});
