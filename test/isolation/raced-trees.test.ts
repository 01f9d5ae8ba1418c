import { closeSync, constants, existsSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeTreeSync } from '#libs/linux/remove-tree.js';
import { archiveMembers } from '../../services/executor/adapters/trees/archive-tree.js';
import { copyTree } from '../../services/executor/adapters/trees/copy-tree.js';
import { removeTree } from '../../services/executor/adapters/trees/remove-tree.js';
import { treeSize } from '../../services/executor/adapters/trees/tree-size.js';
import { startIntruder } from '../fixtures/intruder.js';

/** As many as a race may need: of one that is to be won (weakened-modules.long.test.ts) more, since a busy machine loses it. */
const ROUNDS = 200 * Number(process.env['TEST_RACES'] ?? 1);
const SECRET = 'secret, '.repeat(4096);

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-raced-'));
  mkdirSync(join(top, 'tree'));
  mkdirSync(join(top, 'secret/below'), { recursive: true });
  writeFileSync(join(top, 'secret/inner'), SECRET);
  writeFileSync(join(top, 'secret/below/file'), SECRET);
});
afterEach(() => rmSync(top, { recursive: true }));

function withTree<T>(use: (tree: number) => T): T {
  const tree = openSync(join(top, 'tree'), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return use(tree);
  } finally {
    closeSync(tree);
  }
}

/** Of an archive of all of it. */
function pathsIn(tree: number): readonly string[] {
  const facts = fstatSync(tree, { bigint: true });
  const found = { fd: tree, name: Buffer.from('tree'), facts, stat: { name: 'tree', sizeBytes: 0, mode: 0, mtime: '', linkTarget: '' } };
  return Array.from(archiveMembers(found, undefined, { prefix: '', stays: false, isRoot: false }), ({ path }) => String(path));
}

/** Does something to a tree in which a directory and a symlink to the secret take turns, until it has come through. */
async function whileExchanged(comesThrough: (tree: number) => boolean): Promise<boolean> {
  const intruder = await startIntruder('refill', join(top, 'tree'), 'way', 'inner', join(top, 'secret'));
  try {
    return withTree((tree) => rounds(() => comesThrough(tree)));
  } finally {
    await intruder.end();
  }
}

function rounds(comesThrough: () => boolean): boolean {
  for (let round = 0; round < ROUNDS; round++) if (comesThrough()) return true;
  return false;
}

/** What is there may be another thing when it is come back to. */
function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // an answer, too
  }
}

const isOfSecret = (path: string): boolean => path.includes('below');
const isTouched = (): boolean => !existsSync(join(top, 'secret/inner')) || !existsSync(join(top, 'secret/below/file'));

test('for an archive nothing is opened that is no plain file, however soon it has taken the place of one', async () => {
  const intruder = await startIntruder('bait', join(top, 'tree'), 'way', 'other');
  withTree((tree) => {
    for (let round = 0; round < 200; round++) pathsIn(tree);
  });
  await intruder.end();
  expect(intruder.said).toEqual([]);
});

test('an archive holds nothing of what a symlink leads to', async () => {
  const paths = new Set<string>();
  expect(await whileExchanged((tree) => pathsIn(tree).map((path) => paths.add(path) && path).some(isOfSecret))).toBe(false);
  expect(paths).toContain('way/inner');
});

test('a copy holds nothing of it', async () => {
  const copy = join(top, 'copy');
  expect(await whileExchanged((tree) => {
    mkdirSync(copy);
    const to = openSync(copy, constants.O_RDONLY | constants.O_DIRECTORY);
    tryTo(() => copyTree(tree, to));
    const paths = pathsIn(to);
    closeSync(to);
    rmSync(copy, { recursive: true });
    return paths.some(isOfSecret);
  })).toBe(false);
});

test('its size is not counted', async () => {
  expect(await whileExchanged(() => treeSize({ directory: join(top, 'tree') }) >= SECRET.length)).toBe(false);
});

test('what is removed by descriptors takes nothing of it along', async () => {
  expect(await whileExchanged((tree) => (tryTo(() => removeTree(tree, Buffer.from('way'))), isTouched()))).toBe(false);
});

test('what is taken off the disk takes nothing of it along', async () => {
  expect(await whileExchanged(() => (tryTo(() => removeTreeSync(join(top, 'tree/way'))), isTouched()))).toBe(false);
});
