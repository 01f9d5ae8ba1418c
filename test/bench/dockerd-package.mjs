import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run, which } from '../../services/engine/setup/command.mjs';
import { SetupError, step } from '../../services/engine/setup/progress.mjs';

/** invoke-rc.d(8) asks this program whether it may start a service. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** The path of dockerd: the machine's own, else Debian's docker.io, installed with its service not started. Throws SetupError where it cannot. */
export function ensureDockerd() {
  const own = which('dockerd');
  if (own) return own;
  step('installing docker.io (to compare with)');
  withoutServices(() => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['-q', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', 'docker.io'], { env });
  });
  const installed = which('dockerd');
  if (!installed) throw new SetupError('docker.io is installed, but has no dockerd in PATH');
  return installed;
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
