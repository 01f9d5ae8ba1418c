import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TREE_JOBS } from '../trees/tree-jobs.js';
import { BindSources } from './bind-source.js';

let top: string;
let binds: BindSources;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-binds-'));
  mkdirSync(join(top, 'volumes/one/_data/here'), { recursive: true });
  symlinkSync(top, join(top, 'volumes/one/_data/link'));
  binds = new BindSources(join(top, 'volumes'), { run: (name, job) => TREE_JOBS[name](job) }, { of: () => ({ run: (name, job) => TREE_JOBS[name](job) }) });
});
afterEach(() => rmSync(top, { recursive: true }));

test('a look at what lies in a volume does not leave the volume, as a start does not', async () => {
  const at = (path: string): string => join(top, 'volumes/one/_data', path);
  await binds.check(at('here'));
  await expect(binds.check(at('none'))).rejects.toThrow(`bind source path does not exist: ${at('none')}`);
  for (const name of ['volumes', 'none']) await expect(binds.check(at(`link/${name}`))).rejects.toThrow('path concatenation escapes the base directory');
});

test('any other place is the host\'s', async () => {
  symlinkSync('volumes', join(top, 'link'));
  await binds.check(join(top, 'link'));
  await expect(binds.check(join(top, 'none'))).rejects.toThrow(`bind source path does not exist: ${join(top, 'none')}`);
});
