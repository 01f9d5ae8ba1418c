/** Whose names stand behind a command. */
export type Names = 'containers' | 'removed' | 'shells' | 'none';

interface CommandWords {
  readonly names: Names;
  /** With their dashes; those that take a value end in "=". */
  readonly options: readonly string[];
}

const EDITS = 'publish= unpublish= env= unset-env= label= unset-label= volume= unmount= memory= memory-swap= cpus= pids-limit= restart='.split(' ').map((option) => `--${option}`);

/** What may follow each command: shells complete it. */
export const COMMAND_WORDS: Readonly<Record<string, CommandWords>> = {
  completion: { names: 'shells', options: [] },
  edit: { names: 'containers', options: EDITS },
  events: { names: 'none', options: ['--follow', '--from='] },
  history: { names: 'containers', options: [] },
  inspect: { names: 'containers', options: ['--at='] },
  'log verify': { names: 'none', options: ['--from='] },
  plan: { names: 'none', options: [] },
  protect: { names: 'containers', options: [] },
  ps: { names: 'none', options: ['--at='] },
  revert: { names: 'containers', options: ['--to='] },
  show: { names: 'containers', options: ['--as='] },
  status: { names: 'none', options: [] },
  top: { names: 'none', options: ['--once'] },
  undo: { names: 'removed', options: ['--name=', '--discard'] },
  unprotect: { names: 'containers', options: [] },
  why: { names: 'containers', options: [] },
};

/**
 * What may stand as the last of `words`, which follow "berth" on a command line; the last one is as far as it is typed. Names are asked for where some may
 * stand there.
 */
export async function completionsOf(words: readonly string[], namesOf: (names: Names) => Promise<readonly string[]>): Promise<readonly string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const fitting = (all: readonly string[]): string[] => all.filter((word) => word.startsWith(typed)).toSorted();
  const [first, second] = before;
  if (first === undefined) return fitting([...new Set(Object.keys(COMMAND_WORDS).map((name) => name.split(' ')[0] ?? name))]);
  if (first === 'log' && second === undefined) return fitting(['verify']);
  const command = COMMAND_WORDS[first === 'log' ? `log ${second ?? ''}` : first];
  if (command === undefined || before.includes('--')) return [];
  if (typed.startsWith('-')) return fitting([...command.options.map((option) => option.replace(/=$/, '')), '--json', '--help']);
  // The value of an option is the user's own.
  if (command.options.includes(`${before.at(-1) ?? ''}=`) || before.slice(1).some((word) => !word.startsWith('-'))) return [];
  return fitting(await namesOf(command.names));
}
