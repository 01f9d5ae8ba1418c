// `npm run test:vm -- [--vm=PATH] [parts, or test files of dist/]`: the container tests on another kernel, with cgroup v2 and systemd, in virtual machines, one after the other
// (parts.mjs). BERTH_VM (or --vm) is a command that runs one command as root in a throwaway machine: VM [--share HOST:GUEST:ro|cow] [--mem MB] [--timeout S] [--cwd DIR]
// [--env K=V] -- COMMAND, with its output and exit status; 124 when its time is over, 125 when the machine itself failed.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { build } from '../../services/engine/setup/build.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages } from '../../services/engine/setup/npm-packages.mjs';
import { runScript, SetupError, step } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';
import { PARTS } from './parts.mjs';

/** Emulation is ten times slower than the host, and slower still beside other work. */
const PATIENCE = 12;
const MEMORY_MB = 3072;
const OUTCOMES = { 0: 'passed', 124: 'not done in its time', 125: 'no result: the machine failed' };

await runScript(async () => {
  const words = process.argv.slice(2);
  const vm = words.find((word) => word.startsWith('--vm='))?.slice('--vm='.length) ?? process.env.BERTH_VM;
  if (!vm) throw new SetupError('BERTH_VM must name a command that runs another in a virtual machine (its options: test/vm/run.mjs)');
  const parts = chosen(words.filter((word) => !word.startsWith('--vm=')));
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const share = (host, guest, mode) => ['--share', `${host}:${guest}:${mode}`];
  const environment = { BERTH_NATS_SERVER: '/berth-tools/nats/nats-server', BERTH_DOCKER_CLI: '/berth-tools/docker/docker', BERTH_TEST_PATIENCE: String(PATIENCE) };
  const outcomes = parts.map(({ name, minutes, files }) => {
    step(`testing in a virtual machine: ${name} (at most ${minutes} minutes)`);
    const { status, error } = spawnSync(vm, [
      ...share(REPOSITORY, '/berth', 'cow'),
      ...share(dirname(natsServer), '/berth-tools/nats', 'ro'),
      ...share(dirname(dockerCli), '/berth-tools/docker', 'ro'),
      ...['--mem', String(MEMORY_MB), '--timeout', String(minutes * 60), '--cwd', '/berth'],
      ...Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      '--', 'sh', 'test/vm/guest.sh', ...files,
    ], { stdio: 'inherit' });
    if (error) throw new SetupError(`${vm} cannot be run: ${error.message}`);
    return { name, status: status ?? 1 };
  });
  for (const { name, status } of outcomes) step(`${name}: ${OUTCOMES[status] ?? `failed (${status})`}`);
  process.exit(outcomes.find(({ status }) => status !== 0)?.status ?? 0);
});

/** The parts that `words` name, all when there are none; words that name none are test files, which are a part together. */
function chosen(words) {
  const files = words.filter((word) => !PARTS.some(({ name }) => name === word));
  const named = PARTS.filter(({ name }) => words.length === 0 || words.includes(name));
  return files.length === 0 ? named : [...named, { name: 'files', minutes: 60, files }];
}
