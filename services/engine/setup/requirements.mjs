import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { outputOf, run } from './command.mjs';
import { SetupError, step } from './progress.mjs';

/** Debian packages, and what needs them. */
const PACKAGES = {
  gcc: 'the addon',
  'libc6-dev': 'the addon',
  'linux-libc-dev': 'the kernel\'s headers',
  'musl-tools': 'the shim',
  nftables: 'the firewall',
  'busybox-static': 'the first image',
  'ca-certificates': 'registries',
  'xz-utils': 'archives that are compressed with it',
  bzip2: 'archives that are compressed with it',
  'debian-archive-keyring': 'newer nats-server',
  npm: 'the Node packages',
};

/** Installs what is missing of what Berth is built and runs with. Throws SetupError where it cannot. */
export function ensureRequirements() {
  if (process.getuid() !== 0) throw new SetupError('this needs root: run it with sudo, or as root');
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (!isDebian()) throw new SetupError(`this is not Debian: install what corresponds to these packages of Debian's, then try again: ${missing.join(' ')}`);
  step(`installing ${missing.map((name) => `${name} (for ${PACKAGES[name]})`).join(', ')}`);
  if (!listsAreThere() || !installs(missing)) {
    step('updating the package lists');
    run('apt-get', ['-q', 'update']);
    run('apt-get', installArguments(missing), { env: APT_ENVIRONMENT });
  }
}

const APT_ENVIRONMENT = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
const installArguments = (names) => ['-q', '-y', '-o', 'Dpkg::Use-Pty=0', 'install', '--no-install-recommends', ...names];

function installs(names) {
  try {
    run('apt-get', installArguments(names), { env: APT_ENVIRONMENT });
    return true;
  } catch {
    return false; // lists that are too old name versions that the mirror has no more
  }
}

function missingPackages() {
  const listed = outputOf('dpkg-query', ['-W', '-f', '${db:Status-Abbrev}${Package}\n']) ?? '';
  const installed = new Set(listed.split('\n').filter((line) => line.startsWith('ii')).map((line) => line.slice(3).trim()));
  // npm comes with Node where Node is not Debian's own.
  return Object.keys(PACKAGES).filter((name) => !installed.has(name) && !(name === 'npm' && outputOf('npm', ['--version'])));
}

function isDebian() {
  return existsSync('/etc/debian_version') && /^ID(_LIKE)?=.*debian/m.test(existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '');
}

function listsAreThere() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => /_(Packages|InRelease|Release)(\.|$)/.test(name));
}
