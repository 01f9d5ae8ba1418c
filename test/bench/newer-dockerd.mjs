import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../services/engine/setup/command.mjs';
import { ARCHIVE_KEYRING, debianMirrors } from '../../services/engine/setup/debian-sources.mjs';
import { exclusively } from '../../services/engine/setup/exclusively.mjs';
import { DEFAULT_TOOLS } from '../../services/engine/setup/nats-server.mjs';
import { SetupError, step } from '../../services/engine/setup/progress.mjs';
import { ensurePeers } from './peer-packages.mjs';

/** Where Debian has the dockerd that is current. */
const SUITE = 'unstable';
/** dockerd, and what it starts. */
const PACKAGES = ['docker.io', 'containerd', 'runc', 'iptables'];
const DOCKERD = 'usr/sbin/dockerd';

/**
 * The path of a tree of Debian's unstable suite with a current dockerd in it, some 400 MB, kept below `tools`: its libraries are newer than the machine's. mmdebstrap makes it with an
 * apt of its own and checks the archive's signature; nothing of the machine's changes. Rejects with SetupError where it cannot be had.
 */
export async function ensureNewerDockerd(tools = DEFAULT_TOOLS) {
  const tree = join(tools, 'dockerd-unstable');
  return exclusively(tree, () => {
    if (!existsSync(join(tree, DOCKERD))) make(tree, tools);
    return tree;
  });
}

function make(tree, tools) {
  const [mirror] = debianMirrors();
  if (!mirror) throw new SetupError('this machine\'s apt sources (/etc/apt) name no Debian mirror to fetch it from');
  step(`fetching a current dockerd from Debian's ${SUITE} suite, in a tree of its own (to compare with; a minute)`);
  const { mmdebstrap } = ensurePeers(['mmdebstrap']);
  mkdirSync(tools, { recursive: true });
  const work = mkdtempSync(join(tools, '.dockerd-'));
  try {
    const made = join(work, 'tree');
    // In a mount namespace of its own: what mmdebstrap mounts in the tree goes with it, so that no removal can follow it to the host's /dev.
    run('unshare', ['--mount', '--propagation', 'private', mmdebstrap, '--quiet', '--variant=minbase', `--include=${PACKAGES.join(',')}`,
      // The suite moves on; a mirror may stand still.
      '--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Languages "none"', '--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-exclude=/usr/share/locale/*',
      SUITE, made, `deb [signed-by=${ARCHIVE_KEYRING}] ${mirror} ${SUITE} main`]);
    if (!existsSync(join(made, DOCKERD))) throw new SetupError(`Debian's ${SUITE} suite has no ${DOCKERD} in ${PACKAGES[0]}`);
    rmSync(tree, { recursive: true, force: true });
    renameSync(made, tree);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
