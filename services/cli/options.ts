import { parseArgs } from 'node:util';
import { errorMessage, invalid } from '#libs/errors/errors.js';

/** Of all commands: COMMAND_WORDS has which are whose. */
const OPTIONS = {
  json: { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  at: { type: 'string' },
  as: { type: 'string' },
  from: { type: 'string' },
  name: { type: 'string' },
  discard: { type: 'boolean' },
  to: { type: 'string' },
  once: { type: 'boolean' },
  publish: { type: 'string', multiple: true, short: 'p' },
  unpublish: { type: 'string', multiple: true },
  env: { type: 'string', multiple: true, short: 'e' },
  'unset-env': { type: 'string', multiple: true },
  label: { type: 'string', multiple: true, short: 'l' },
  'unset-label': { type: 'string', multiple: true },
  volume: { type: 'string', multiple: true, short: 'v' },
  unmount: { type: 'string', multiple: true },
  memory: { type: 'string', short: 'm' },
  'memory-swap': { type: 'string' },
  cpus: { type: 'string' },
  'pids-limit': { type: 'string' },
  restart: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS, tokens: true });
  } catch (error) {
    throw invalid(errorMessage(error), error);
  }
}

export type CliOptions = ReturnType<typeof parse>['values'];

/** A command line, read. */
export interface CommandLine {
  readonly options: CliOptions;
  readonly words: readonly string[];
  /** What stands behind two dashes. */
  readonly behind: readonly string[];
}

/** Throws invalid for an option that no command has. */
export function parseWords(args: readonly string[]): CommandLine {
  const { values: options, positionals, tokens } = parse(args);
  const dashes = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? args.length;
  const count = tokens.filter(({ kind, index }) => kind === 'positional' && index < dashes).length;
  return { options, words: positionals.slice(0, count), behind: positionals.slice(count) };
}
