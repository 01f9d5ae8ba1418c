// `npm run bench`, from a fresh clone: installs and builds what is missing, then measures Berth beside its peers. README.md beside it tells its
// arguments and how to read what it prints.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from '../../services/engine/setup/build.mjs';
import { run } from '../../services/engine/setup/command.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages, node26 } from '../../services/engine/setup/npm-packages.mjs';
import { runScript, SetupError } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';
import { ensureNewerDockerd } from './newer-dockerd.mjs';
import { ensurePeers } from './peer-packages.mjs';

await runScript(async () => {
  // --json is for programs: what set-up says goes to stderr.
  console.log = console.error;
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const { parseArguments } = await import(join(REPOSITORY, 'dist/test/bench/arguments.js'));
  const wished = refusing(() => parseArguments(process.argv.slice(2)).peers);
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const peers = ensurePeers(['dockerd', 'podman', 'runc', 'crun'].filter((name) => wished.has(name) || (name === 'runc' && wished.has('podman'))));
  const floor = join(REPOSITORY, 'dist/native/floor');
  run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', floor, join(REPOSITORY, 'test/bench/floor.c')]);
  const bench = spawnSync(node26(), ['dist/test/bench/main.js', ...process.argv.slice(2)], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    env: {
      ...withoutEngineSettings(process.env), BERTH_NATS_SERVER: natsServer, BERTH_DOCKER_CLI: dockerCli,
      BENCH_DOCKERD: peers.dockerd, BENCH_PODMAN: peers.podman, BENCH_RUNC: peers.runc, BENCH_CRUN: peers.crun, BENCH_FLOOR: floor,
      ...(wished.has('newer-dockerd') ? await newerDockerd() : {}),
    },
  });
  process.exit(bench.status ?? 1);
});

/** A slip of the caller's is told without a stack. */
function refusing(parse) {
  try {
    return parse();
  } catch (error) {
    throw new SetupError(error.message, { cause: error });
  }
}

/** Where it lies, or why it cannot be had: the benchmark goes on without. */
async function newerDockerd() {
  try {
    return { BENCH_NEWER_DOCKERD_TREE: await ensureNewerDockerd() };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { BENCH_NEWER_DOCKERD_ABSENT: error.message };
  }
}

/** The benchmark has engines of its own: what points at the caller's must not reach them. */
function withoutEngineSettings(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BERTH|DOCKER)_/.test(name)));
}
