// `npm run metrics:golden`: writes families.txt anew, from an engine that runs. Read the diff: dashboards and rules hang on each line of it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('../run.mjs', import.meta.url)), 'dist/test/metrics/metrics.test.js', '-t', 'names, types and labels'], {
  stdio: 'inherit',
  env: { ...process.env, GOLDEN: 'renew' },
});
process.exit(status ?? 1);
