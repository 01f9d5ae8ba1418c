import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMAND_WORDS, completionsOf, type Names, wordsFor } from './command-words.js';
import { parseWords } from './options.js';

const NAMES: Readonly<Record<Names, readonly string[]>> = { containers: ['web', 'worker', 'db'], everything: ['web', 'busybox:latest', 'data', 'bridge'], removed: ['gone'], shells: ['bash'], none: [] };
const completed = (...words: string[]): Promise<readonly string[]> => completionsOf(words, async (names) => NAMES[names]);

test('the first word is a command', async () => {
  expect(await completed('re')).toEqual(['revert']);
  expect(await completed('lo')).toEqual(['log']);
  expect(await completed('log', '')).toEqual(['verify']);
  expect(await completed('')).toEqual(expect.arrayContaining(['top', 'help', 'version']));
  expect(await completed('--')).toEqual(['--help', '--version']);
});

test('names stand where a command wants one, once, or each once', async () => {
  expect(await completed('edit', 'w')).toEqual(['web', 'worker']);
  expect(await completed('undo', '')).toEqual(['gone']);
  expect(await completed('edit', '--env', 'A=b', '')).toEqual([]);
  expect(await completed('edit', 'web', '')).toEqual([]);
  expect(await completed('protect', 'web', 'w')).toEqual(['worker']);
  expect(await completed('ps', '')).toEqual([]);
  expect(await completed('history', 'b')).toEqual(['bridge', 'busybox:latest']);
  expect(await completed('nothing', '')).toEqual([]);
});

test('options are those of the command, and what stands behind one, or behind two dashes, is the user\'s', async () => {
  expect(await completed('edit', 'web', '--un')).toEqual(['--unmount', '--unpublish', '--unset-env', '--unset-label']);
  expect(await completed('top', '--')).toEqual(['--help', '--json', '--once']);
  expect(await completed('edit', '--env', 'w')).toEqual([]);
  expect(await completed('edit', 'web', '--', 'sl')).toEqual([]);
});

const taken = (...args: string[]) => wordsFor(args[0] === 'log' ? 'log verify' : (args[0] ?? ''), parseWords(args));

test('a command takes as many words as it has a use for, and a command line behind two dashes alone', () => {
  expect(taken('protect', 'a', 'b', '--json')).toEqual({ words: ['a', 'b'], behind: [] });
  expect(taken('undo')).toEqual({ words: [], behind: [] });
  expect(taken('edit', 'a', '-e', 'X=1', '--', 'sh', '-c', '--', 'x')).toEqual({ words: ['a'], behind: ['sh', '-c', '--', 'x'] });
  expect(taken('plan', '--', 'docker', 'run', '-p', '80:80')).toEqual({ words: [], behind: ['docker', 'run', '-p', '80:80'] });
  expect(taken('why', '--', 'a')).toEqual({ words: ['a'], behind: [] });
  expect(taken('log', 'verify', '--from', '7').words).toEqual([]);
});

test.each([
  ['edit', 'a', 'sh', '-e', 'X=1'], ['revert', 'a', 'b'], ['revert', 'a', '--from', '2'], ['why', 'a', '--', 'b'], ['ps', 'a'], ['plan', 'docker', 'ps'], ['log', 'verify', 'a'], ['protect', 'a', '-f'], ['status', '-e', 'A'],
])('what it has no use for is refused: berth %s %s %s %s', (...args) => expect(() => taken(...args.filter((word) => typeof word === 'string'))).toThrow(/has no (?:use for|option)/));

test('an empty name is a wrong usage, an empty word of a command is none', () => {
  for (const words of [['why', ''], ['show', '', '--as', 'run'], ['protect', 'a', ''], ['undo', '', '--discard']]) expect(() => taken(...words), words.join(' ')).toThrow('a name is empty');
  expect(taken('edit', 'a', '--', 'echo', '').behind).toEqual(['echo', '']);
});

test('each option that is offered there is, and takes a value or none', () => {
  for (const { options } of Object.values(COMMAND_WORDS)) for (const option of options) expect(() => parseWords([option.endsWith('=') ? `${option}x` : option])).not.toThrow();
});

test('each command that there is is offered', () => {
  const [, commands = ''] = /const commands[^{]*\{([^}]*)\}/.exec(readFileSync(new URL('../../../services/cli/main.ts', import.meta.url), 'utf8')) ?? [];
  const names = commands.split(',').map((entry) => (entry.split(':')[0] ?? '').trim().replaceAll("'", ''));
  expect(Object.keys(COMMAND_WORDS)).toEqual(names.toSorted());
});
