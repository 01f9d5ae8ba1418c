import { expect, test } from 'vitest';
import { ContainerFiles } from './container-files.js';
import type { Trash } from './trash.js';

test.each(['', '.', '..', '../volumes', 'a/b', 'A'.repeat(64), `${'a'.repeat(64)}/x`])('%j is no id, and leads nowhere', (id) => {
  const taken: string[] = [];
  const files = new ContainerFiles('/data', { remove: (path: string) => taken.push(path) } as unknown as Trash, { take: () => false });
  expect(() => files.directory(id)).toThrow(`"${id}" is no container's id`);
  expect(() => files.remove(id)).toThrow();
  expect(taken).toEqual([]);
});
