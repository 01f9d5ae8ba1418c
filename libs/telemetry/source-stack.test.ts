import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { invalid } from '#libs/errors/errors.js';
import { sourceStack } from './source-stack.js';

test('a stack tells the lines of the sources', () => {
  const told = sourceStack(invalid('no').stack ?? '');
  const [, path = '', line] = /at invalid \((\S+):(\d+):\d+\)/.exec(told) ?? [];
  expect(path).toBe(fileURLToPath(new URL('../../../libs/errors/errors.ts', import.meta.url)));
  expect(readFileSync(path, 'utf8').split('\n')[Number(line) - 1]).toContain('invalid');
});

test('what has no map, or none that can be read, is told as it lies there', () => {
  const stack = 'Error: no\n    at f (file:///nowhere/a.js:1:2)\n    at file:///nowhere/%00.js:3:4\n    at node:fs:5:6';
  expect(sourceStack(stack)).toBe(stack);
});
