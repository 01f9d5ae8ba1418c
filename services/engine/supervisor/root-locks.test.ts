import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeRoots } from './root-locks.js';

let top: string;
const roots = (run: string, data = 'data') => ({ dataRoot: join(top, data), runRoot: join(top, run) });
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-locks-'));
  for (const data of ['data', 'other-data']) mkdirSync(join(top, data));
});
afterEach(() => rmSync(top, { recursive: true }));

test('a data root has one supervisor, and a run root as well', async () => {
  await takeRoots(roots('run'));
  await expect(takeRoots(roots('other-run'), 0)).rejects.toThrow(`a supervisor on ${join(top, 'data')} runs already`);
  await expect(takeRoots(roots('run', 'other-data'), 0)).rejects.toThrow(`a supervisor for ${join(top, 'run')} runs already`);
});

test('processes that outlive their supervisor keep another engine from their data root, and not their own', async () => {
  const { dataRoot, runRoot } = roots('run');
  // What a supervisor that was killed leaves: its locks are free, and one of its children runs.
  const locks = await takeRoots(roots('run'));
  writeFileSync(join(runRoot, 'pids/nats'), readFileSync('/proc/self/stat'));
  locks.forEach((fd) => closeSync(fd));
  await expect(takeRoots(roots('other-run'))).rejects.toThrow(`the engine of BERTH_RUN_ROOT=${runRoot} runs on ${dataRoot}: stop that one first, or choose another folder with BERTH_DATA_ROOT`);
  symlinkSync('run', join(top, 'alias'));
  (await takeRoots(roots('alias'))).forEach((fd) => closeSync(fd));
  rmSync(join(runRoot, 'pids/nats'));
  mkdirSync(join(runRoot, 'tasks/container-1'), { recursive: true });
  await expect(takeRoots(roots('third-run'))).rejects.toThrow(`containers of ${dataRoot} are kept with BERTH_RUN_ROOT=${join(top, 'alias')}, where they tell of their ends: start with that one`);
  rmSync(join(runRoot, 'tasks/container-1'), { recursive: true });
  await takeRoots(roots('fourth-run'));
  expect(readFileSync(join(dataRoot, 'run-root'), 'utf8')).toBe(join(top, 'fourth-run'));
});

test('what tells of the run root is whole at any moment, is held from the first on, and stays as it is where nothing changes', async () => {
  const { dataRoot, runRoot } = roots('run');
  const file = join(dataRoot, 'run-root');
  (await takeRoots(roots('run'))).forEach((fd) => closeSync(fd));
  const before = openSync(file, 'r');
  (await takeRoots(roots('run'))).forEach((fd) => closeSync(fd));
  expect(fstatSync(before).ino).toBe(statSync(file).ino);
  writeFileSync(`${file}.new`, 'half of one');
  const locks = await takeRoots(roots('other-run'));
  // Whoever had the former open, to lock it, has nothing.
  expect([readFileSync(before, 'utf8'), readFileSync(file, 'utf8')]).toEqual([runRoot, join(top, 'other-run')]);
  await expect(takeRoots(roots('third-run'), 0)).rejects.toThrow(`a supervisor on ${dataRoot} runs already`);
  [before, ...locks].forEach((fd) => closeSync(fd));
});
