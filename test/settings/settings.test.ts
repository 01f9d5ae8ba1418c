import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Setting, SETTINGS, TOLD_BY_SUPERVISOR, TOLD_TO_TOOLS } from '#libs/settings/setting-table.js';

/** Tests run compiled: from dist/test/settings up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
const TABLE = 'libs/settings/setting-table.ts';
/** Constants in code, and names that tests make up because they are wrong. */
const NO_VARIABLES = ['BERTH_VERSION', 'BERTH_ROUTES', 'BERTH_POLICIES', 'BERTH_SUBNETS', 'BERTH_DATAROOT', 'BERTH_LOGLEVEL', 'BERTH_UNHEARD_OF'];

const sources = ['contracts', 'libs', 'services', 'test', 'charts', 'observability']
  .flatMap((top) => readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).map((name) => `${top}/${name}`))
  .filter((name) => /\.(ts|mjs|ya?ml|service|md)$|\/debian\/\w+$/.test(name) && name !== TABLE && existsSync(join(ROOT, name)));
const named = new Map<string, string[]>();
for (const file of [...sources, 'README.md', 'ARCHITECTURE.md', 'vitest.config.mjs'])
  for (const [name] of readFileSync(join(ROOT, file), 'utf8').matchAll(/\bBERTH_[A-Z][A-Z_]*[A-Z]\b/g)) named.set(name, [...(named.get(name) ?? []), file]);

test('no source names a variable that the table does not have', () => {
  const known: readonly string[] = [...Object.keys(SETTINGS), ...TOLD_BY_SUPERVISOR, ...TOLD_TO_TOOLS, ...NO_VARIABLES];
  expect(Array.from(named, ([name, files]) => ({ name, files })).filter(({ name }) => !known.includes(name))).toEqual([]);
});

test('what is in the table is read', () => {
  const isRead = (name: string): boolean => (named.get(name) ?? []).some((file) => /\.(ts|mjs)$/.test(file) && !/\.test\.ts$/.test(file));
  expect([...Object.keys(SETTINGS), ...TOLD_BY_SUPERVISOR, ...TOLD_TO_TOOLS].filter((name) => !isRead(name))).toEqual([]);
});

test("README.md's table of settings is the table", () => {
  const rows = Object.entries<Setting>(SETTINGS).map(([name, { otherwise, shown, what }]) => `| \`${name}\` | ${shown ?? (otherwise === '' ? '' : `\`${otherwise}\``)} | ${what} |`.replaceAll(/ +/g, ' '));
  const told = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n').filter((line) => line.startsWith('| `BERTH_'));
  expect(told).toEqual(rows);
});
