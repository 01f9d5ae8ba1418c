// `npm run bench`, from a fresh clone: installs and builds what is missing, then measures Berth beside its peers. Arguments: --quick, --json, --only=WORD,WORD, --lives=10000
// (containers that memory must not grow by).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from '../../services/engine/setup/build.mjs';
import { run } from '../../services/engine/setup/command.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages, node26 } from '../../services/engine/setup/npm-packages.mjs';
import { runScript } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';
import { ensurePeers } from './peer-packages.mjs';

await runScript(async () => {
  // --json is for programs: what set-up says goes to stderr.
  console.log = console.error;
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const peers = ensurePeers();
  const floor = join(REPOSITORY, 'dist/native/floor');
  run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', floor, join(REPOSITORY, 'test/bench/floor.c')]);
  const bench = spawnSync(node26(), ['dist/test/bench/main.js', ...process.argv.slice(2)], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    env: {
      ...withoutEngineSettings(process.env), BERTH_NATS_SERVER: natsServer, BERTH_DOCKER_CLI: dockerCli,
      BENCH_DOCKERD: peers.dockerd, BENCH_PODMAN: peers.podman, BENCH_RUNC: peers.runc, BENCH_CRUN: peers.crun, BENCH_FLOOR: floor,
    },
  });
  process.exit(bench.status ?? 1);
});

/** The benchmark has engines of its own: what points at the caller's must not reach them. */
function withoutEngineSettings(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BERTH|DOCKER)_/.test(name)));
}
