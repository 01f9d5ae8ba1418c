import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, which } from './command.mjs';
import { exclusively } from './exclusively.mjs';
import { unpackFromNewerDebian } from './newer-debian.mjs';
import { SetupError, step } from './progress.mjs';

/** Older ones lost whole streams in a crash. */
const OLDEST = [2, 10, 23];

export const DEFAULT_TOOLS = '/var/lib/berth/tools';

/** The path of a nats-server that is new enough: the machine's own, else one of a newer Debian, unpacked below `tools`. */
export async function ensureNatsServer(tools = DEFAULT_TOOLS) {
  const own = process.env.BERTH_NATS_SERVER || which('nats-server');
  if (own && newEnough(own)) return own;
  const folder = join(tools, 'nats-server');
  const fetched = join(folder, 'usr/sbin/nats-server');
  return exclusively(fetched, () => {
    if (!existsSync(fetched) || !newEnough(fetched)) {
      step(`fetching nats-server from a newer Debian (${own ? 'the machine\'s own is too old' : 'this machine has none'})`);
      unpackFromNewerDebian('nats-server', folder);
    }
    if (outputOf(fetched, ['--version']) === undefined) throw new SetupError(`${fetched} does not run here: is its disk mounted noexec? Install a nats-server of ${OLDEST.join('.')} or newer yourself then`);
    if (!newEnough(fetched)) throw new SetupError(`${fetched} is older than ${OLDEST.join('.')}`);
    return fetched;
  });
}

function newEnough(path) {
  const version = /v(\d+)\.(\d+)\.(\d+)/.exec(outputOf(path, ['--version']) ?? '')?.slice(1).map(Number);
  if (!version) return false;
  const difference = OLDEST.map((part, index) => version[index] - part).find((part) => part !== 0) ?? 0;
  return difference >= 0;
}
