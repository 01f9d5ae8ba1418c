import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Task } from './shim-driver.js';

/** Takes note of a task's end: its shim goes, and its socket with it. */
export async function finish(task: Task): Promise<void> {
  await task.acknowledge();
  expect(existsSync(join(task.directory, 'shim.sock'))).toBe(false);
}
