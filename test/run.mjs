// `npm test`, and `npm run test:long`, from a fresh clone: installs, builds and fetches what is missing, then runs all tests of the one or the other. Arguments go to vitest: `npm test -- volumes`.
import { spawnSync } from 'node:child_process';
import { build } from '../services/engine/setup/build.mjs';
import { ensureDockerCli } from '../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages, node26 } from '../services/engine/setup/npm-packages.mjs';
import { runScript } from '../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../services/engine/setup/requirements.mjs';
import { ensureDockerRegistry } from './docker-registry.mjs';

await runScript(async () => {
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const dockerRegistry = await ensureDockerRegistry();
  const vitest = spawnSync(node26(), ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    env: { ...withoutEngineSettings(process.env), BERTH_NATS_SERVER: natsServer, BERTH_DOCKER_CLI: dockerCli, BERTH_DOCKER_REGISTRY: dockerRegistry },
  });
  process.exit(vitest.status ?? 1);
});

/** Tests have engines of their own: what points at the caller's must not reach them. */
function withoutEngineSettings(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BERTH|DOCKER)_/.test(name)));
}
