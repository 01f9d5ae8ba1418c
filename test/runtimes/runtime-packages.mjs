import { run, which } from '../../services/engine/setup/command.mjs';
import { step } from '../../services/engine/setup/progress.mjs';

/** Installs Debian's packages of these runtimes where they are missing. Returns those that can be had. */
export function ensureRuntimes(names) {
  const missing = names.filter((name) => !which(name));
  if (missing.length > 0) {
    step(`installing ${missing.join(' and ')} (to test --runtime with)`);
    try {
      run('apt-get', ['-q', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', ...missing], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    } catch (error) {
      console.error(`berth: ${error.message}\nberth: tests of these runtimes are left out`);
    }
  }
  return names.filter((name) => which(name));
}
