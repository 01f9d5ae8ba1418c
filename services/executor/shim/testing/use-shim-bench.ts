import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { ShimBench } from './shim-driver.js';

/** Built by the set-up that comes before every test. */
export const native = join(dirname(fileURLToPath(import.meta.url)), '../../../../native');
export const child = { actor: 'child', from: 'test' } as const;
export const ticket = 'a'.repeat(32);
/** The file's own, from `useShimBench` on. */
export let bench: ShimBench;

/** A bench for the tests of a file; after them nothing of it is mounted. */
export function useShimBench(): void {
  beforeAll(async () => {
    bench = await ShimBench.open(join(native, 'berth-shim'));
  });
  afterAll(async () => {
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(bench.directory);
    await bench[Symbol.asyncDispose]();
  });
}
