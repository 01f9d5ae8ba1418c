import { invalid } from '#libs/errors/errors.js';
import type { CommandLine } from './options.js';

/** The kind of things whose names stand behind a command. */
export type Names = 'containers' | 'everything' | 'removed' | 'shells' | 'none';

/** What needs no engine, and stands alone. */
const OF_BERTH = ['help', 'version'];

interface CommandWords {
  readonly names: Names;
  /** More than one of them. */
  readonly several?: true;
  /** A command line behind two dashes. */
  readonly line?: true;
  /** With their dashes; those that take a value end in "=". */
  readonly options: readonly string[];
}

const EDITS = 'publish= unpublish= env= unset-env= label= unset-label= volume= unmount= memory= memory-swap= cpus= pids-limit= restart='.split(' ').map((option) => `--${option}`);

/** What may follow each command: shells complete it, and nothing else is taken. */
export const COMMAND_WORDS: Readonly<Record<string, CommandWords>> = {
  completion: { names: 'shells', line: true, options: [] },
  edit: { names: 'containers', line: true, options: EDITS },
  events: { names: 'none', options: ['--follow', '--from='] },
  history: { names: 'everything', options: [] },
  inspect: { names: 'containers', options: ['--at='] },
  'log verify': { names: 'none', options: ['--from='] },
  plan: { names: 'none', line: true, options: [] },
  protect: { names: 'containers', several: true, options: [] },
  ps: { names: 'none', options: ['--at='] },
  revert: { names: 'containers', options: ['--to='] },
  show: { names: 'containers', options: ['--as='] },
  status: { names: 'none', options: [] },
  top: { names: 'none', options: ['--once'] },
  undo: { names: 'removed', several: true, options: ['--name=', '--discard'] },
  unprotect: { names: 'containers', several: true, options: [] },
  why: { names: 'containers', options: [] },
};

/** What follows `command` on a command line, words and the line behind two dashes. Throws invalid for what the command has no use for: left out in silence, it would seem to be done. */
export function wordsFor(command: string, { options, words, behind }: CommandLine): Pick<CommandLine, 'words' | 'behind'> {
  const { names, several = false, line = false, options: own } = COMMAND_WORDS[command] ?? { names: 'none', options: [] };
  const foreign = Object.keys(options).find((name) => !['json', 'help'].includes(name) && !own.some((option) => option.replace(/=$/, '') === `--${name}`));
  if (foreign !== undefined) throw invalid(`berth ${command} has no option --${foreign}; berth --help names them`);
  const following = [...words.slice(command.split(' ').length), ...(line ? [] : behind)];
  const surplus = several ? undefined : following[names === 'none' ? 0 : 1];
  if (surplus !== undefined) throw invalid(`berth ${command} has no use for "${surplus}"${line ? ': a command stands behind two dashes (--)' : ''}; berth --help tells what it takes`);
  // A variable of a script that is not set: it is nobody's name, and as a part of a path it would be another question.
  if (following.includes('')) throw invalid(`berth ${command}: a name is empty`);
  return { words: following, behind: line ? behind : [] };
}

/**
 * What may stand as the last of `words`, which follow "berth" on a command line; the last one is as far as it is typed. Names are asked for where some may
 * stand there.
 */
export async function completionsOf(words: readonly string[], namesOf: (names: Names) => Promise<readonly string[]>): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const fitting = (all: readonly string[]): string[] => all.filter((word) => word.startsWith(typed)).toSorted();
  const [first, second] = before;
  if (first === undefined) return fitting(typed.startsWith('-') ? OF_BERTH.map((word) => `--${word}`) : [...OF_BERTH, ...new Set(Object.keys(COMMAND_WORDS).map((name) => name.split(' ')[0] ?? name))]);
  if (first === 'log' && second === undefined) return fitting(['verify']);
  const command = COMMAND_WORDS[first === 'log' ? `log ${second ?? ''}` : first];
  if (command === undefined || before.includes('--')) return [];
  if (typed.startsWith('-')) return fitting([...command.options.map((option) => option.replace(/=$/, '')), '--json', '--help']);
  // The value of an option is the user's own.
  if (command.options.includes(`${before.at(-1) ?? ''}=`) || (!command.several && before.slice(1).some((word) => !word.startsWith('-')))) return [];
  return fitting((await namesOf(command.names)).filter((name) => !before.includes(name)));
}
