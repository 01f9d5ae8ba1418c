import { readFileSync } from 'node:fs';
import { unavailable } from '#libs/errors/errors.js';
import type { EngineSettings } from './engine-settings.js';

export interface Credentials {
  readonly servers: string;
  readonly user: string;
  readonly pass: string;
  readonly serverUid?: number;
}

/** One file a bus user, so that a process reads its own password and no other's. */
export const credentialsPath = (settings: EngineSettings, user: string): string => `${settings.dataRoot}/secrets/${user}`;

/** A service's own user and password for the bus. Rejects as unavailable where the set-up has not written it, or not for who asks. */
export function readCredentials(settings: EngineSettings, user: string): Credentials {
  const path = credentialsPath(settings, user);
  try {
    const { natsUrl, natsUid } = settings;
    return { servers: natsUrl, user, pass: readFileSync(path, 'utf8').trim(), ...(natsUid === undefined ? {} : { serverUid: natsUid }) };
  } catch (error) {
    throw unavailable(`the password of the bus user ${user} cannot be read: ${(error as Error).message}`, error);
  }
}
