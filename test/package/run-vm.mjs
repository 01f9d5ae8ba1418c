// `npm run test:package-vm`: installs the Debian package in a virtual machine with systemd (BERTH_VM: see test/vm/run.mjs), runs a container through the socket unit, and
// upgrades the package under it (guest.mjs). Some minutes where the machine is emulated.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxImageTar } from '../../services/engine/setup/busybox-image.mjs';
import { run } from '../../services/engine/setup/command.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { runScript, SetupError, step } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';

const VERSIONS = ['0.0.1', '0.0.2'];
const TIMEOUT_SECONDS = 1800;
const MEMORY_MB = 3072;

await runScript(async () => {
  const vm = process.env.BERTH_VM;
  if (!vm) throw new SetupError('BERTH_VM must name a command that runs another in a virtual machine (its options: test/vm/run.mjs)');
  ensureRequirements();
  const shared = mkdtempSync(join(tmpdir(), 'berth-package-vm-'));
  let status;
  try {
    for (const version of VERSIONS) run(process.execPath, [join(REPOSITORY, 'services/engine/package/build.mjs'), `--version=${version}`, `--out=${shared}`]);
    copyFileSync(await ensureNatsServer(), join(shared, 'nats-server'));
    copyFileSync(await ensureDockerCli(), join(shared, 'docker'));
    copyFileSync(join(REPOSITORY, 'test/package/guest.mjs'), join(shared, 'guest.mjs'));
    writeFileSync(join(shared, 'busybox.tar'), busyboxImageTar());
    step('installing and upgrading the package in a virtual machine (some minutes)');
    const guest = ['--share', `${shared}:/shared:ro`, '--mem', String(MEMORY_MB), '--timeout', String(TIMEOUT_SECONDS), '--', 'node', '/shared/guest.mjs', ...VERSIONS];
    const result = spawnSync(vm, guest, { stdio: 'inherit' });
    if (result.error) throw new SetupError(`${vm} cannot be run: ${result.error.message}`);
    status = result.status;
  } finally {
    rmSync(shared, { recursive: true, force: true });
  }
  process.exit(status ?? 1);
});
