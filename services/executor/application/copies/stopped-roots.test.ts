import { fstatSync, openSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { StoppedRoots } from './stopped-roots.js';

const DIRECTORY = '/containers/one';
const opened = () => vi.fn(() => Promise.resolve(openSync('/', 'r')));

/** Somebody who has a root until told. */
function user(roots: StoppedRoots, open: () => Promise<number>) {
  const { promise, resolve: leave } = Promise.withResolvers<void>();
  const { promise: root, resolve: has } = Promise.withResolvers<number>();
  const over = roots.with(DIRECTORY, open, (fd) => (has(fd), promise));
  over.catch(() => undefined);
  return { root, leave, over };
}

test('who comes while somebody has a root has the same one, and the last closes it', async () => {
  const roots = new StoppedRoots();
  const open = opened();
  const [one, other] = [user(roots, open), user(roots, open)];
  const root = await one.root;
  expect(await other.root).toBe(root);
  expect(open).toHaveBeenCalledTimes(1);
  one.leave();
  await one.over;
  const free = roots.free(DIRECTORY);
  expect(fstatSync(root).isDirectory()).toBe(true);
  other.leave();
  await free;
  expect(() => fstatSync(root)).toThrow('EBADF');
});

test('who comes after the last has another, once the one before is closed', async () => {
  const roots = new StoppedRoots();
  const first = user(roots, opened());
  const root = await first.root;
  first.leave();
  await first.over;
  const second = user(roots, () => {
    expect(() => fstatSync(root)).toThrow('EBADF');
    return Promise.resolve(openSync('/', 'r'));
  });
  await second.root;
  second.leave();
  await second.over;
  await roots.free(DIRECTORY);
});

test('a root that could not be opened is told to all who wanted it, and tried again for the next', async () => {
  const roots = new StoppedRoots();
  const broken = () => Promise.reject(new Error('no such layer'));
  const [one, other] = [user(roots, broken), user(roots, broken)];
  await expect(one.over).rejects.toThrow('no such layer');
  await expect(other.over).rejects.toThrow('no such layer');
  await roots.free(DIRECTORY);
  const next = user(roots, opened());
  await next.root;
  next.leave();
  await next.over;
  await roots.free(DIRECTORY);
});
