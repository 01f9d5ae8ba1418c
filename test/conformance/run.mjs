// `npm run conformance`: the same requests to a real dockerd and to Berth. Renews test/conformance/golden, which `npm test` compares with.
import { spawnSync } from 'node:child_process';
import { build } from '../../services/engine/setup/build.mjs';
import { ensureDockerCli } from '../../services/engine/setup/docker-cli.mjs';
import { ensureNatsServer } from '../../services/engine/setup/nats-server.mjs';
import { ensureNpmPackages, node26 } from '../../services/engine/setup/npm-packages.mjs';
import { runScript } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';
import { ensurePeers } from '../bench/peer-packages.mjs';

await runScript(async () => {
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const environment = { BERTH_NATS_SERVER: await ensureNatsServer(), BERTH_DOCKER_CLI: await ensureDockerCli(), BENCH_DOCKERD: ensurePeers(['dockerd']).dockerd };
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BERTH|DOCKER)_/.test(name)));
  const { status } = spawnSync(node26(), ['dist/test/conformance/main.js'], { cwd: REPOSITORY, stdio: 'inherit', env: { ...own, ...environment } });
  process.exit(status ?? 1);
});
