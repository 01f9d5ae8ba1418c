// `npm run test:observability`: what lies in observability/, with Prometheus' own tools, fetched from Debian where the machine has none. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { which } from '../../services/engine/setup/command.mjs';
import { exclusively } from '../../services/engine/setup/exclusively.mjs';
import { DEFAULT_TOOLS } from '../../services/engine/setup/nats-server.mjs';
import { unpackFromNewerDebian } from '../../services/engine/setup/newer-debian.mjs';
import { runScript, step } from '../../services/engine/setup/progress.mjs';

await runScript(async () => {
  const folders = [];
  for (const program of ['prometheus', 'promtool']) {
    if (which(program)) continue;
    const folder = join(DEFAULT_TOOLS, program);
    folders.push(join(folder, 'usr/bin'));
    await exclusively(folder, () => {
      if (existsSync(join(folder, 'usr/bin', program))) return;
      step(`fetching ${program} from Debian`);
      unpackFromNewerDebian(program, folder);
    });
  }
  const suites = ['dist/test/observability', 'dist/test/metrics', ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('../run.mjs', import.meta.url)), ...suites], {
    stdio: 'inherit',
    env: { ...process.env, PATH: [process.env.PATH, ...folders].join(delimiter) },
  });
  process.exit(status ?? 1);
});
