// `npm run test:vm -- [--vm=PATH] [test files of dist/]`: the container tests on another kernel, with cgroup v2 and systemd, in a virtual machine. BERTH_VM (or --vm)
// is a command that runs one command as root in a throwaway machine: VM [--share HOST:GUEST:ro|cow] [--mem MB] [--timeout S] [--cwd DIR] [--env K=V] -- COMMAND,
// with its output and exit status.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { build } from '../../services/engine/setup/build.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages } from '../../services/engine/setup/npm-packages.mjs';
import { runScript, SetupError, step } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';

/** What depends on the kernel, on cgroups and on systemd. */
const CHOSEN = ['dist/libs/cgroup', 'dist/libs/linux', 'dist/services/executor/shim', 'dist/test/e2e/hello', 'dist/test/e2e/docker-run', 'dist/test/e2e/limits'];
/** Emulation is ten times slower than the host, and slower still beside other work. */
const PATIENCE = 12;
const TIMEOUT_SECONDS = 3600;
const MEMORY_MB = 3072;

await runScript(async () => {
  const words = process.argv.slice(2);
  const vm = words.find((word) => word.startsWith('--vm='))?.slice('--vm='.length) ?? process.env.BERTH_VM;
  if (!vm) throw new SetupError('BERTH_VM must name a command that runs another in a virtual machine (its options: test/vm/run.mjs)');
  const tests = words.filter((word) => !word.startsWith('--vm='));
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const share = (host, guest, mode) => ['--share', `${host}:${guest}:${mode}`];
  const environment = { BERTH_NATS_SERVER: '/berth-tools/nats/nats-server', BERTH_DOCKER_CLI: '/berth-tools/docker/docker', BERTH_TEST_PATIENCE: String(PATIENCE) };
  step(`testing in a virtual machine (some minutes)`);
  const { status, error } = spawnSync(vm, [
    ...share(REPOSITORY, '/berth', 'cow'),
    ...share(dirname(natsServer), '/berth-tools/nats', 'ro'),
    ...share(dirname(dockerCli), '/berth-tools/docker', 'ro'),
    ...['--mem', String(MEMORY_MB), '--timeout', String(TIMEOUT_SECONDS), '--cwd', '/berth'],
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    '--', 'sh', 'test/vm/guest.sh', ...(tests.length > 0 ? tests : CHOSEN),
  ], { stdio: 'inherit' });
  if (error) throw new SetupError(`${vm} cannot be run: ${error.message}`);
  process.exit(status ?? 1);
});
