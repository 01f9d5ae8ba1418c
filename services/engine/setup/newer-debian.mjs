import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { ARCHIVE_KEYRING, debianMirrors } from './debian-sources.mjs';
import { SetupError } from './progress.mjs';

/** The release that single programs are taken from where the machine's own has none new enough. */
const SUITE = 'trixie';

/**
 * Unpacks Debian package `name` of a newer release below `folder`, installing nothing: apt with directories of its own (apt.conf(5)) checks the
 * archive's signature, and dpkg -x unpacks. `folder` appears whole or not at all. Throws SetupError where no mirror has it.
 */
export function unpackFromNewerDebian(name, folder) {
  const parent = join(folder, '..');
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, '.apt-'));
  try {
    const options = prepareApt(work);
    run('apt-get', [...options, '-q', 'update'], { cwd: work });
    run('apt-get', [...options, '-q', 'download', name], { cwd: work });
    const packageFile = readdirSync(work).find((file) => file.endsWith('.deb'));
    if (!packageFile) throw new SetupError(`apt-get downloaded no package ${name}`);
    const unpacked = join(work, 'unpacked');
    run('dpkg', ['-x', join(work, packageFile), unpacked]);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function prepareApt(work) {
  const [mirror] = debianMirrors();
  if (!mirror) throw new SetupError('this machine\'s apt sources (/etc/apt) name no Debian mirror to fetch a newer package from');
  const path = (name) => join(work, name);
  for (const name of ['lists/partial', 'cache/archives/partial', 'state', 'parts']) mkdirSync(path(name), { recursive: true });
  writeFileSync(path('sources.list'), `deb [signed-by=${keyring()}] ${mirror} ${SUITE} main\n`);
  const settings = {
    'Dir::Etc::sourcelist': path('sources.list'),
    'Dir::Etc::sourceparts': path('parts'),
    'Dir::Etc::preferences': path('no-preferences'),
    'Dir::Etc::preferencesparts': path('parts'),
    'Dir::State': path('state'),
    'Dir::State::lists': path('lists'),
    'Dir::Cache': path('cache'),
    // apt would fetch as user _apt, which cannot enter this private folder.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/** Debian 12's keyring knows 13's keys already, through its point releases. */
function keyring() {
  if (!existsSync(ARCHIVE_KEYRING)) throw new SetupError(`${ARCHIVE_KEYRING} is missing: install debian-archive-keyring`);
  return ARCHIVE_KEYRING;
}
