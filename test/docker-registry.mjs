import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { which } from '../services/engine/setup/command.mjs';
import { exclusively } from '../services/engine/setup/exclusively.mjs';
import { DEFAULT_TOOLS } from '../services/engine/setup/nats-server.mjs';
import { unpackFromNewerDebian } from '../services/engine/setup/newer-debian.mjs';
import { SetupError, step } from '../services/engine/setup/progress.mjs';

/** The path of a registry for tests to pull from: the machine's own docker-registry, else Debian's, unpacked below `tools` and not installed. */
export async function ensureDockerRegistry(tools = DEFAULT_TOOLS) {
  const own = which('docker-registry');
  if (own) return own;
  const folder = join(tools, 'docker-registry');
  const fetched = join(folder, 'usr/bin/docker-registry');
  return exclusively(fetched, () => {
    if (!existsSync(fetched)) {
      step('fetching docker-registry from a newer Debian (for tests that pull)');
      unpackFromNewerDebian('docker-registry', folder);
    }
    if (!existsSync(fetched)) throw new SetupError(`Debian's docker-registry has no ${fetched}`);
    return fetched;
  });
}
