import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Tests run compiled: from dist/test/architecture up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What code has so that tests can hold it against something: names, codes and versions, none of them a path that only tests take; and `upcaster`, for the first event that changes its shape. */
const FOR_TESTS = ['ACCESS_FOLD', 'BERTH_ROUTES', 'DOCKER_CONFIG', 'ensureDockerCli', 'isKnownField', 'PRUNE_FOLD', 'RETIRED_CODES', 'RULED_ROUTES', 'upcaster'];

const isTest = (file: string): boolean => file.startsWith('test/') || file.endsWith('.test.ts') || file.includes('/testing/');
const words = new Map(
  ['contracts', 'libs', 'services', 'test']
    .flatMap((top) => readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).map((name) => `${top}/${name}`))
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => [name, readFileSync(join(ROOT, name), 'utf8')] as const)
    .map(([name, text]) => [name, { text, all: new Set(text.match(/\w+/g)) }]),
);
const exported = Array.from(words).flatMap(([file, { text }]) =>
  isTest(file) ? [] : Array.from(text.matchAll(/^export (?:async )?(?:const|function\*?|(?:abstract )?class|enum) (\w+)/gm), ([, name = '']) => ({ file, name, uses: text.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0 })),
);
const usersOf = (file: string, name: string): string[] => Array.from(words).flatMap(([other, { all }]) => (other !== file && all.has(name) ? [other] : []));

test('what is exported is used elsewhere', () => {
  expect(exported.length).toBeGreaterThan(500);
  expect(exported.filter(({ file, name }) => usersOf(file, name).length === 0)).toEqual([]);
});

test('nothing is there for tests alone', () => {
  const forTests = exported.filter(({ file, name, uses }) => uses === 1 && usersOf(file, name).every(isTest));
  expect(forTests.map(({ name }) => name).toSorted()).toEqual(FOR_TESTS.toSorted());
});
