import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMAND_WORDS, completionsOf, type Names } from './command-words.js';
import { parseWords } from './options.js';

const NAMES: Readonly<Record<Names, readonly string[]>> = { containers: ['web', 'worker', 'db'], removed: ['gone'], shells: ['bash'], none: [] };
const completed = (...words: string[]): Promise<readonly string[]> => completionsOf(words, async (names) => NAMES[names]);

test('the first word is a command', async () => {
  expect(await completed('re')).toEqual(['revert']);
  expect(await completed('lo')).toEqual(['log']);
  expect(await completed('log', '')).toEqual(['verify']);
  expect(await completed('')).toContain('top');
});

test('names stand where a command wants one, once', async () => {
  expect(await completed('edit', 'w')).toEqual(['web', 'worker']);
  expect(await completed('undo', '')).toEqual(['gone']);
  expect(await completed('edit', '--env', 'A=b', '')).toEqual([]);
  expect(await completed('edit', 'web', '')).toEqual([]);
  expect(await completed('ps', '')).toEqual([]);
  expect(await completed('nothing', '')).toEqual([]);
});

test('options are those of the command, and what stands behind one, or behind two dashes, is the user\'s', async () => {
  expect(await completed('edit', 'web', '--un')).toEqual(['--unmount', '--unpublish', '--unset-env', '--unset-label']);
  expect(await completed('top', '--')).toEqual(['--help', '--json', '--once']);
  expect(await completed('edit', '--env', 'w')).toEqual([]);
  expect(await completed('edit', 'web', '--', 'sl')).toEqual([]);
});

test('each option that is offered there is, and takes a value or none', () => {
  for (const { options } of Object.values(COMMAND_WORDS)) for (const option of options) expect(() => parseWords([option.endsWith('=') ? `${option}x` : option])).not.toThrow();
});

test('each command that there is is offered', () => {
  const [, commands = ''] = /const commands[^{]*\{([^}]*)\}/.exec(readFileSync(new URL('../../../services/cli/main.ts', import.meta.url), 'utf8')) ?? [];
  const names = commands.split(',').map((entry) => (entry.split(':')[0] ?? '').trim().replaceAll("'", ''));
  expect(Object.keys(COMMAND_WORDS)).toEqual(names.toSorted());
});
