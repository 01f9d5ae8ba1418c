// `link-nats-server.mjs LINK`: makes LINK lead to a nats-server that is new enough, the machine's own or a fetched one. For a unit, whose command line is fixed.
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureNatsServer } from './nats-server.mjs';
import { runScript } from './progress.mjs';

await runScript(async () => {
  if (process.env.BERTH_NATS_URL) return; // an administrator's server
  const [link] = process.argv.slice(2);
  // The unit's own variable names the link, not a server.
  if (process.env.BERTH_NATS_SERVER === link) delete process.env.BERTH_NATS_SERVER;
  const tools = dirname(link);
  mkdirSync(tools, { recursive: true });
  const server = await ensureNatsServer(tools);
  rmSync(`${link}.new`, { force: true });
  symlinkSync(server, `${link}.new`);
  renameSync(`${link}.new`, link);
});
