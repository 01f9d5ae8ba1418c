import { outputOf, run } from '../../services/engine/setup/command.mjs';
import { step } from '../../services/engine/setup/progress.mjs';

/** Debian's own Python: another one that comes first in PATH has none of Debian's modules. */
const PYTHON = '/usr/bin/python3';

/** Each client: its Debian package, and how it is found. */
const CLIENTS = {
  'docker-py': { package: 'python3-docker', program: PYTHON, isThere: () => outputOf(PYTHON, ['-c', 'import docker']) !== undefined },
  // The one in Python, of Debian 12: its successor is another program.
  'docker-compose': { package: 'docker-compose', program: 'docker-compose', isThere: () => outputOf('docker-compose', ['version', '--short'])?.startsWith('1.') === true },
};

/** The program to start a client with; installs Debian's package where it is missing. Undefined, and says why, where it cannot be had. */
export function ensureClient(name) {
  const client = CLIENTS[name];
  if (!client.isThere()) {
    step(`installing ${client.package} (to test with)`);
    try {
      run('apt-get', ['-q', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', client.package], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    } catch (error) {
      console.error(`berth: ${error.message}\nberth: tests with ${name} are left out`);
    }
  }
  return client.isThere() ? client.program : undefined;
}
