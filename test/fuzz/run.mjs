// `npm run fuzz -- --minutes N [--seed S]`: every target of test/fuzz for N minutes (`npm test` takes a second for each, too short to find much).
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { build } from '../../services/engine/setup/build.mjs';
import { ensureNpmPackages, node26 } from '../../services/engine/setup/npm-packages.mjs';
import { runScript } from '../../services/engine/setup/progress.mjs';
import { REPOSITORY } from '../../services/engine/setup/repository.mjs';
import { ensureRequirements } from '../../services/engine/setup/requirements.mjs';

const { values } = parseArgs({ args: process.argv.slice(2), options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } } });
const seconds = Math.round(Number(values.minutes) * 60);
if (!(seconds > 0)) {
  console.error('usage: npm run fuzz -- --minutes N [--seed S]');
  process.exit(2);
}
await runScript(async () => {
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const env = { ...process.env, BERTH_FUZZ_SECONDS: String(seconds), ...(values.seed === undefined ? {} : { BERTH_FUZZ_SEED: values.seed }) };
  const vitest = spawnSync(node26(), ['node_modules/vitest/vitest.mjs', 'run', 'dist/test/fuzz'], { cwd: REPOSITORY, stdio: 'inherit', env });
  process.exit(vitest.status ?? 1);
});
