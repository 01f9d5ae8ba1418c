import { rmSync } from 'node:fs';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { timestamp } from '../../adapters/shim/shim-frames.js';
import type { LiveTask } from './live-task.js';

/** How a task ended. `keeperLost`: nobody saw it, and the rest is what dockerd tells then. */
export interface TaskExit {
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKills: number;
  readonly keeperLost: boolean;
  readonly at: string;
}

/** Of a task that is over. What is in it is known, and soon gone; a shim that fell in the middle may have left more. */
export async function removeDirectory({ directory, socket }: LiveTask): Promise<void> {
  try {
    for (const file of [`${directory}/exit`, socket]) rmSync(file, { force: true });
    await rmdir(directory); // on a disk file system it may take milliseconds
  } catch {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the shim wrote before it told anybody: `code signal oom nanoseconds`. */
export async function readExitRecord(directory: string): Promise<TaskExit | undefined> {
  const text = await readFile(`${directory}/exit`, 'utf8').catch(() => '');
  const [, exitCode, signal, oom, at] = /^(\d+) (\d+) (\d+) (\d+)\n/.exec(text) ?? [];
  if (exitCode === undefined || signal === undefined || oom === undefined || at === undefined) return undefined;
  return { exitCode: Number(exitCode), signal: Number(signal), oomKills: Number(oom), keeperLost: false, at: timestamp(BigInt(at)) };
}
