import type { EngineApi } from './engine-api.js';
import type { CliOptions } from './options.js';

export interface CommandInput {
  readonly api: EngineApi;
  /** Path of the engine's socket. */
  readonly socket: string;
  /** What stands after the command's name, options taken out. */
  readonly words: readonly string[];
  /** The command line behind two dashes, of a command that takes one. */
  readonly behind: readonly string[];
  readonly options: CliOptions;
  /** Writes one line to stdout. */
  print(line: string): void;
}

export const exitCodes = { ok: 0, no: 1, usage: 2, unreachable: 3 } as const;

/** Resolves to the exit code. Rejects with a BerthError: `invalid` is a wrong usage, `not-found` a no, `unavailable` an engine that is not there. */
export type Command = (input: CommandInput) => Promise<number>;
