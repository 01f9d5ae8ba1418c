import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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

test('what a message says lies elsewhere is not read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-stack-'));
  try {
    const own = fileURLToPath(new URL('../errors/errors.js.map', import.meta.url));
    writeFileSync(join(directory, 'a.js.map'), readFileSync(own));
    const elsewhere = pathToFileURL(join(directory, 'a.js')).href;
    const around = `${new URL('../../..', import.meta.url).href}../../../../../../../../..${elsewhere.slice('file://'.length)}`;
    const [, place = ''] = /errors\.js(:\d+:\d+)/.exec(invalid('no').stack ?? '') ?? [];
    for (const url of [elsewhere, around]) {
      const stack = `Error: at ${url}${place}\n    at ${url}${place}`;
      expect(sourceStack(stack)).toBe(stack);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
