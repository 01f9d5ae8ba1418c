// `npm run chaos`, from a fresh clone: installs and builds what is missing, then kills. Arguments: --scenario NAME, --killed executor|engine, --seed N, --minutes M.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { build } from '../../services/engine/setup/build.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages, node26 } from '../../services/engine/setup/npm-packages.mjs';
import { runScript } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';

await runScript(async () => {
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const natsServer = await ensureNatsServer();
  const dockerCli = await ensureDockerCli();
  const chaos = spawn(node26(), ['dist/test/chaos/main.js', ...process.argv.slice(2)], {
    cwd: REPOSITORY,
    stdio: 'inherit',
    env: { ...withoutEngineSettings(process.env), BERTH_NATS_SERVER: natsServer, BERTH_DOCKER_CLI: dockerCli },
  });
  // It takes its engine down first.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => chaos.kill(signal));
  const [code] = await once(chaos, 'exit');
  process.exit(code ?? 1);
});

/** It has engines of its own: what points at the caller's must not reach them. */
function withoutEngineSettings(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BERTH|DOCKER)_/.test(name)));
}
