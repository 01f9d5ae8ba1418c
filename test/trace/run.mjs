// `npm run trace`, from a fresh clone: installs and builds what is missing, then shows where a start spends its time.
import { spawnSync } from 'node:child_process';
import { build } from '../../services/engine/setup/build.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages, node26 } from '../../services/engine/setup/npm-packages.mjs';
import { runScript } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';

await runScript(async () => {
  // --json is for programs: what set-up says goes to stderr.
  console.log = console.error;
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const trace = spawnSync(node26(), ['dist/test/trace/main.js', ...process.argv.slice(2)], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    env: { ...withoutEngineSettings(process.env), BERTH_NATS_SERVER: natsServer, BERTH_DOCKER_CLI: dockerCli },
  });
  process.exit(trace.status ?? 1);
});

/** The engine is one of its own: what points at the caller's must not reach it. */
function withoutEngineSettings(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BERTH|DOCKER|OTEL)_/.test(name)));
}
