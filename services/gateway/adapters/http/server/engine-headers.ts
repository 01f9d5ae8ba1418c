import { API_VERSION } from '../../../domain/api-version.js';
import { BERTH_VERSION } from '#libs/settings/version.js';

/** The log position that an answer has seen, or that a command has made: a later query waits for it with ?minPosition=. */
export const POSITION_HEADER = 'Berth-Position';

/** Every answer has these; the CLI reads the API version and the kind of system from them. */
export const ENGINE_HEADERS: Readonly<Record<string, string>> = {
  'Api-Version': API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `Berth/${BERTH_VERSION} (linux)`,
};
