import { invalid } from '#libs/errors/errors.js';
import type { Commit } from '#libs/event-store/event.js';
import { type Command, exitCodes } from '../command.js';
import { entryOf } from '../history.js';

/**
 * `berth events [--from POSITION] [--follow]`: the log after that position as JSON lines. Whoever keeps the last position it saw resumes there with
 * no gap and nothing twice.
 */
export const events: Command = async ({ store, options, print }) => {
  const from = Number(options.from ?? '0');
  if (!Number.isSafeInteger(from) || from < 0) throw invalid(`--from takes a position of the log, a whole number, not "${options.from ?? ''}"`);
  const onCommit = (commit: Commit): void => {
    for (const event of commit.events) print(JSON.stringify({ ...entryOf(commit, event), subject: commit.subject, commit: commit.id }));
  };
  if (!options.follow) {
    await store.replay(['berth.event.>'], from, onCommit);
    return exitCodes.ok;
  }
  const following = await store.follow(['berth.event.>'], from, onCommit);
  const interrupted = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
  });
  const failure = await Promise.race([following.ended, interrupted]);
  await following.stop();
  if (failure !== undefined) throw failure;
  return exitCodes.ok;
};
