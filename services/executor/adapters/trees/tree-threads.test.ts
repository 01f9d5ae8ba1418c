import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { TreeThreads } from './tree-threads.js';

const directory = mkdtempSync(join(tmpdir(), 'berth-threads-'));
const threads = new TreeThreads(1);
afterEach(async () => {
  vi.useRealTimers();
  await threads.close();
  rmSync(directory, { recursive: true });
});

test('what comes while an idle thread is being ended is the next one\'s', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await threads.run('removeAllIn', { directory });
  vi.advanceTimersByTime(3_600_000);
  await expect(threads.run('removeAllIn', { directory })).resolves.toBeUndefined();
});
