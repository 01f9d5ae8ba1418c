import { BerthError, errorMessage, unavailable } from '#libs/errors/errors.js';
import { type JetStreamEventStore, connectEventStore } from '#libs/event-store/jetstream-event-store.js';
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
