// `npm run test:newcomer`: a fresh Debian 12, made by mmdebstrap (Debian's package of that name), with its Node 18, npm and git alone; a clone of what is committed here; and then
// what the README says (guest.mjs). It has the network and the cgroups of this machine and an engine with the default settings: none other may run. Some minutes.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../services/engine/setup/command.mjs';
import { debianMirrors } from '../../services/engine/setup/debian-sources.mjs';
import { runScript, SetupError, step } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';

const SUITE = 'bookworm';
const PACKAGES = ['nodejs', 'npm', 'git', 'ca-certificates'];
/** The machine's own authorities: a mirror or a registry may be signed by one that Debian does not know. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

await runScript(() => {
  if (process.getuid() !== 0) throw new SetupError('this needs root: run it with sudo, or as root');
  const [mirror] = debianMirrors();
  if (!mirror) throw new SetupError('this machine\'s apt sources name no Debian mirror');
  const top = mkdtempSync('/var/tmp/berth-newcomer-');
  const root = join(top, 'root');
  try {
    step(`making a fresh Debian (${SUITE}) with ${PACKAGES.join(', ')}`);
    run('mmdebstrap', ['--quiet', '--variant=apt', `--include=${PACKAGES.join(',')}`, SUITE, root, mirror]);
    const shared = join(root, 'mnt/source');
    mkdirSync(shared, { recursive: true });
    run('git', ['clone', '--quiet', '--bare', `file://${REPOSITORY}`, join(shared, 'berth.git')]);
    copyFileSync(join(REPOSITORY, 'test/newcomer/guest.mjs'), join(shared, 'guest.mjs'));
    copyFileSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
    if (existsSync(AUTHORITIES)) copyFileSync(AUTHORITIES, join(root, AUTHORITIES));
    const script = [
      // Not chroot(2) alone: a process there has no mount for its root, and the executor changes the root's propagation.
      `mount --bind ${root} ${root}`,
      `cd ${root}`,
      'mount -t proc proc proc',
      'mount --rbind /sys sys',
      'mount --rbind /dev dev',
      'mount -t tmpfs none run',
      'mount -t tmpfs none tmp',
      'mkdir host',
      'pivot_root . host',
      'exec chroot . node /mnt/source/guest.mjs /mnt/source/berth.git',
    ].join(' && ');
    const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], {
      stdio: 'inherit',
      env: { HOME: '/root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', TERM: process.env.TERM ?? 'dumb', ...(existsSync(AUTHORITIES) ? { NODE_EXTRA_CA_CERTS: AUTHORITIES, npm_config_cafile: AUTHORITIES } : {}) },
    });
    if (status !== 0) throw new SetupError('a newcomer would be surprised');
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
});
