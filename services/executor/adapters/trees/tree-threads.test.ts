import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { startIntruder } from '../../../../test/fixtures/intruder.js';
import { isHeld, TreeThreads } from './tree-threads.js';

const directory = mkdtempSync(join(tmpdir(), 'berth-threads-'));
const threads = new TreeThreads(1);
afterEach(async () => {
  vi.useRealTimers();
  await threads.close();
  rmSync(directory, { recursive: true, force: true });
});

test('what comes while an idle thread is being ended is the next one\'s', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await threads.run('removeAllIn', { directory });
  vi.advanceTimersByTime(3_600_000);
  await expect(threads.run('removeAllIn', { directory })).resolves.toBeUndefined();
});

test('a thread that waits in the kernel is left behind, so that the process can end without it', async () => {
  const top = mkdtempSync(join(tmpdir(), 'berth-held-'));
  const own = new TreeThreads(1);
  for (const name of ['layer', 'target']) mkdirSync(join(top, name));
  writeFileSync(join(top, 'layer/file'), '');
  // Who opens it waits for 45 s.
  const intruder = await startIntruder('lease', join(top, 'layer/file'));
  try {
    const work = own.run('mergeLayers', { directory: top, layers: ['layer'], target: join(top, 'target') }).catch((error: Error) => error.message);
    await expect.poll(() => existsSync(join(top, 'target/file'))).toBe(true);
    expect(isHeld()).toBe(false);
    await own.close();
    expect(isHeld()).toBe(true);
    await intruder.end();
    expect(await work).toBe('the executor is stopping');
  } finally {
    await intruder.end();
    rmSync(top, { recursive: true });
  }
});
