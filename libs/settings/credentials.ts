import { readFileSync } from 'node:fs';
import { unavailable } from '#libs/errors/errors.js';
import type { EngineSettings } from './engine-settings.js';

export interface Credentials {
  readonly servers: string;
  readonly user: string;
  readonly pass: string;
}

/** A service's own user and password for the bus, from the file that the set-up wrote for the engine's group alone. */
export function readCredentials(settings: EngineSettings, user: string): Credentials {
  const path = `${settings.dataRoot}/secrets/nats.json`;
  const passwords = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>; // written by our own set-up
  const pass = passwords[user];
  if (pass === undefined) throw unavailable(`${path} holds no password of the bus user ${user}`);
  return { servers: settings.natsUrl, user, pass };
}
