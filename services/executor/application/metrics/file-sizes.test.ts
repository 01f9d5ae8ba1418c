import { expect, test, vi } from 'vitest';
import { internal } from '#libs/errors/errors.js';
import type { TreeThreads } from '../../adapters/trees/tree-threads.js';
import { FileSizes } from './file-sizes.js';

/** Each count is answered when the test says so. */
function counting(): { readonly sizes: FileSizes; readonly counts: Map<string, PromiseWithResolvers<number>>; readonly run: ReturnType<typeof vi.fn> } {
  const counts = new Map<string, PromiseWithResolvers<number>>();
  const run = vi.fn((_job: string, { directory }: { directory: string }) => {
    counts.set(directory, Promise.withResolvers());
    return counts.get(directory)?.promise;
  });
  const threads = { run, close: () => Promise.resolve() } as unknown as TreeThreads;
  const sizes = new FileSizes({ directory: (container) => `/c/${container}` }, { data: (name) => `/v/${name}` }, { directories: (container) => [`/k/${container}`, `/k/${container}.volumes`] }, () => ({ written: { path: 'upper', withImage: false } }), threads);
  return { sizes, counts, run };
}

test('a directory is counted once for all who ask meanwhile, and anew for who asks later', async () => {
  const { sizes, counts, run } = counting();
  const asked = Array.from({ length: 100 }, () => sizes.measure({ containers: ['a'], volumes: [] }));
  expect(run).toHaveBeenCalledTimes(1);
  counts.get('/c/a/upper')?.resolve(7);
  expect(new Set((await Promise.all(asked)).map(({ containers }) => containers['a']))).toEqual(new Set([7]));
  void sizes.measure({ containers: ['a'], volumes: [] });
  expect(run).toHaveBeenCalledTimes(2);
});

test('what cannot be counted is told as unknown, and the others as they are', async () => {
  const { sizes, counts } = counting();
  const measured = sizes.measure({ containers: [], volumes: ['bad', 'good'], kept: ['k'] });
  await expect.poll(() => [...counts.keys()]).toEqual(['/v/bad', '/v/good']);
  counts.get('/v/bad')?.reject(internal('ENAMETOOLONG'));
  counts.get('/v/good')?.resolve(3);
  await expect.poll(() => counts.has('/k/k')).toBe(true);
  counts.get('/k/k')?.resolve(5);
  await expect.poll(() => counts.has('/k/k.volumes')).toBe(true);
  counts.get('/k/k.volumes')?.reject(internal('EIO'));
  expect(await measured).toEqual({ containers: {}, volumes: { bad: -1, good: 3 }, kept: { k: -1 }, withImage: false });
});
