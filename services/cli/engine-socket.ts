import { invalid } from '#libs/errors/errors.js';
import { readSettings } from '#libs/settings/engine-settings.js';

/** The engine's unix socket: as Berth's settings have it where they say so, else the one that the docker CLI would ask, else the default. Throws invalid for a DOCKER_HOST elsewhere. */
export function engineSocket(env: Readonly<Record<string, string | undefined>>): string {
  const { DOCKER_HOST: host = '' } = env;
  if (host === '' || env['BERTH_SOCKET'] || env['BERTH_RUN_ROOT']) return readSettings(env).socket;
  if (!host.startsWith('unix://')) throw invalid(`DOCKER_HOST is ${host}: berth asks unix sockets alone; BERTH_SOCKET names one`);
  return host.slice('unix://'.length);
}
