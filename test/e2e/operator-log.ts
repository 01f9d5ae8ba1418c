import { BerthError, errorMessage, unavailable } from '#libs/errors/errors.js';
import { type JetStreamEventStore, connectEventStore } from '#libs/event-store/jetstream-event-store.js';
import type { Commit } from '#libs/event-store/event.js';
import { natsOptions } from '#libs/messaging/service.js';
import { readCredentials } from '#libs/settings/credentials.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';

/** The log, as the bus user `operator`, whose password root alone can read. Rejects with `unavailable` when the engine is not there. */
export async function openLog(settings: EngineSettings): Promise<JetStreamEventStore> {
  try {
    return await connectEventStore({ ...natsOptions(readCredentials(settings, 'operator')), source: 'operator' });
  } catch (error) {
    if (error instanceof BerthError) throw error;
    throw unavailable(`the engine's log cannot be read: ${errorMessage(error)}. Does the engine run, and are you root?`, error);
  }
}

/** All of the log, oldest first, and its last position. */
export async function readLog(store: JetStreamEventStore): Promise<{ readonly commits: readonly Commit[]; readonly position: number }> {
  const commits: Commit[] = [];
  const position = await store.replay(['berth.event.>'], 0, (commit) => commits.push(commit));
  return { commits, position };
}
