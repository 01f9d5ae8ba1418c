import { isAscii } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Tests run compiled: from dist/test/architecture up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');

const sources = ['contracts', 'libs', 'services'].flatMap((folder) => filesBelow(folder, /(?<!\.test)\.ts$/));
const bundles = filesBelow('dist/bundled', /\.js$/);

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name)).map((name) => join(ROOT, folder, name));
}

test('what the bundles leave out is asked for nowhere', () => {
  expect(sources.length).toBeGreaterThan(500);
  expect(sources.filter((file) => /phone/i.test(readFileSync(file, 'utf8')))).toEqual([]);
});

test('the bundles are ASCII, which is read as it lies there', () => {
  expect(bundles.length).toBeGreaterThan(20);
  expect(bundles.filter((file) => !isAscii(readFileSync(file)))).toEqual([]);
});

test('the bundles import nothing of Node, which would have all that it exports looked at', () => {
  const named = bundles.flatMap((file) => Array.from(readFileSync(file, 'utf8').matchAll(/^import\b.*?"([^"]+)"/gm), ([, name = '']) => name));
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((name) => !name.startsWith('./'))).toEqual([]);
});
