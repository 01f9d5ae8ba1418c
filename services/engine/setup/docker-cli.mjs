import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, which } from './command.mjs';
import { exclusively } from './exclusively.mjs';
import { unpackFromNewerDebian } from './newer-debian.mjs';
import { DEFAULT_TOOLS } from './nats-server.mjs';
import { SetupError, step } from './progress.mjs';

/** The path of the docker CLI: the machine's own, else the client alone of a newer Debian, unpacked below `tools`. */
export async function ensureDockerCli(tools = DEFAULT_TOOLS) {
  const own = process.env.BERTH_DOCKER_CLI || which('docker');
  if (own && runs(own)) return own;
  const folder = join(tools, 'docker-cli');
  const fetched = join(folder, 'usr/bin/docker');
  return exclusively(fetched, () => {
    if (!existsSync(fetched)) {
      step('fetching the docker CLI from a newer Debian (this machine has none)');
      // The client is a package of its own since Debian 13; before, docker.io held both.
      if (!unpacks('docker-cli', folder)) unpackFromNewerDebian('docker.io', folder);
    }
    if (!runs(fetched)) throw new SetupError(`${fetched} does not run here`);
    return fetched;
  });
}

const runs = (path) => outputOf(path, ['--version']) !== undefined;

function unpacks(name, folder) {
  try {
    unpackFromNewerDebian(name, folder);
    return existsSync(join(folder, 'usr/bin/docker'));
  } catch (error) {
    if (error instanceof SetupError) return false;
    throw error;
  }
}
