import type { EngineSettings } from '#libs/settings/engine-settings.js';
import type { JetStreamEventStore } from '#libs/event-store/jetstream-event-store.js';

export interface CommandInput {
  readonly settings: EngineSettings;
  readonly store: JetStreamEventStore;
  /** What stands after the command's name, options taken out. */
  readonly words: readonly string[];
  readonly options: { readonly json: boolean; readonly at?: string; readonly as?: string; readonly from?: string; readonly follow: boolean };
  /** Writes one line to stdout. */
  print(line: string): void;
}

export const exitCodes = { ok: 0, no: 1, usage: 2, unreachable: 3 } as const;

/** Resolves to the exit code. Rejects with a BerthError: `invalid` is a wrong usage, `not-found` a no, `unavailable` an engine that is not there. */
export type Command = (input: CommandInput) => Promise<number>;
