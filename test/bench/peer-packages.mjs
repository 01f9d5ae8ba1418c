import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run, which } from '../../services/engine/setup/command.mjs';
import { SetupError, step } from '../../services/engine/setup/progress.mjs';

/** invoke-rc.d(8) asks this program whether it may start a service. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** Program, and the Debian packages it comes in with what it needs for a bridge; mmdebstrap makes trees of other suites for peers. */
const PEERS = { dockerd: ['docker.io', 'iptables'], podman: ['podman', 'netavark', 'aardvark-dns'], runc: ['runc'], crun: ['crun'], mmdebstrap: ['mmdebstrap'] };

/** Paths of programs to compare with, by their names: the machine's own, else Debian's, installed with no service started. Throws SetupError where it cannot. */
export function ensurePeers(names) {
  const missing = names.filter((name) => !which(name));
  if (missing.length > 0) {
    step(`installing ${missing.join(', ')} (to compare with)`);
    withoutServices(() => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      run('apt-get', ['-q', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', ...missing.flatMap((name) => PEERS[name])], { env });
    });
  }
  return Object.fromEntries(names.map((name) => {
    const path = which(name);
    if (!path) throw new SetupError(`${PEERS[name][0]} is installed, but has no ${name} in PATH`);
    return [name, path];
  }));
}

/** Where the machine has a policy of its own, that one holds. */
function withoutServices(work) {
  const ours = !existsSync(SERVICE_POLICY);
  if (ours) writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    if (ours) rmSync(SERVICE_POLICY);
  }
}
