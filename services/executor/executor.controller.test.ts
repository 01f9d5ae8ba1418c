import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeptRemovals } from './adapters/host/kept-removals.js';
import type { Trash } from './adapters/host/trash.js';
import { ExecutorController } from './executor.controller.js';
import type { ExecutorParts } from './executor-parts.js';

const container = 'c'.repeat(64);
let top: string;
let executor: ExecutorController;
let taken: string[];
/** Until whoever reads the files is done; undefined: nobody does. */
let read: Promise<void> | undefined;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-executor-'));
  for (const name of ['kept', 'containers']) mkdirSync(join(top, name));
  mkdirSync(join(top, 'containers', container));
  writeFileSync(join(top, 'containers', container, 'file'), '');
  [taken, read] = [[], undefined];
  const take = (path: string): void => {
    if (existsSync(path)) taken.push(path);
    rmSync(path, { recursive: true, force: true });
  };
  const directory = (id: string): string => join(top, 'containers', id);
  // What a removal asks of them.
  executor = new ExecutorController({
    files: { directory, remove: (id: string) => take(directory(id)) },
    kept: new KeptRemovals(top, { take, remove: (path: string) => Promise.resolve(take(path)) } as unknown as Trash),
    archives: { removed: () => undefined, unread: () => read },
    forwarding: { finish: () => Promise.resolve() },
    memory: { removed: () => undefined },
  } as unknown as ExecutorParts);
});
afterEach(() => rmSync(top, { recursive: true }));

const [inPlace, aside] = [() => join(top, 'containers', container), () => join(top, 'kept', container)];

test('files that nobody reads go at once', async () => {
  await executor.removeContainerFiles({ container, keep: false } as never);
  expect(taken).toEqual([inPlace()]);
});

test.each([
  ['removed', () => executor.removeContainerFiles({ container, keep: false } as never)],
  ['kept, and discarded', async () => {
    await executor.removeContainerFiles({ container, keep: true } as never);
    await executor.discardKept({ container } as never);
  }],
])('files that somebody reads are out of the way, and go when that is over (%s)', async (_how, remove) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  read = promise;
  await remove();
  expect([existsSync(inPlace()), existsSync(join(aside(), 'file')), taken]).toEqual([false, true, []]);
  resolve();
  await expect.poll(() => taken).toEqual([aside()]);
});
