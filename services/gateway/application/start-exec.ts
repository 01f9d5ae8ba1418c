import type { Socket } from 'node:net';
import { DetachContainer, StartExec } from '#contracts/containers/commands.js';
import { GetExec } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { internal } from '#libs/errors/errors.js';
import type { EngineClient } from './engine-client.js';

/** Clients ask for an exec's exit code as soon as its stream ends: the end is held back until it is known, at most so long. */
const EXIT_CODE_DEADLINE_MS = 5_000;
/** How long nobody may say how it went, until that is told as what it is. Longer than the services among themselves wait. */
const START_DEADLINE_MS = 45_000;

export interface AttachedExec {
  readonly terminal: boolean;
  /** Whether the stream is over when the client sends no more, as dockerd's is of a terminal that takes input. */
  readonly endsWithInput: boolean;
  /** As they were asked for when it was created. */
  readonly detachKeys: string;
  /** Its streams, the caller's to end, once it runs. Rejects with why there are none, which is then all that its output is, as with dockerd. */
  stream(): Promise<Socket>;
  /** Notes that the client typed the keys that detach it. */
  detached(): void;
  /** Resolves once the exit code can be asked for, or soon enough. */
  exitKnown(): Promise<unknown>;
}

/**
 * Starts an exec for a client that reads along. Resolves before it runs, so that the answer's head leaves early: docker-py loses what comes in one piece with it.
 * Rejects, as dockerd answers instead of a stream, where there is no such exec, or its container does not run.
 */
export async function startExec(engine: EngineClient, exec: string, consoleSize: number[] | undefined, context: RequestContext): Promise<AttachedExec> {
  const starting = engine.ask(StartExec, { exec, detach: false, ...(consoleSize ? { consoleSize } : {}) }, context, START_DEADLINE_MS);
  if (context.dryRun) await starting; // what it would append is thrown
  starting.catch(() => undefined); // told by `stream`
  const { config, container } = await engine.ask(GetExec, { exec, toStart: true }, context);
  return {
    terminal: config.terminal,
    endsWithInput: config.terminal && config.attachStdin,
    detachKeys: config.detachKeys,
    detached: () => void engine.ask(DetachContainer, { container, exec }, context).catch(() => undefined), // who is told has left
    stream: async () => {
      const { endpoint } = await starting;
      if (endpoint === undefined) throw internal(`exec ${exec} has no streams`);
      return engine.open(endpoint);
    },
    exitKnown: () => engine.ask(GetExec, { exec, settleMs: EXIT_CODE_DEADLINE_MS }, context),
  };
}
