// Keeps beside the bundles what V8 makes of them, so that a start compiles nothing: 150 ms of processor time less a process. Run by the Node that runs them, on the processor that does, after each
// bundling, and by the Debian package as it is set up. What lies there is for the very bytes that it was made of; for any others, or another Node, it is none.
import { chmodSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const BUNDLED = fileURLToPath(new URL('../../../dist/bundled', import.meta.url));
/** Ends when it is loaded, and has a start of its own. */
const LOADED_ELSEWHERE = new Set(['supervisor.js', 'tree-thread.js']);

const [place, fresh] = [join(BUNDLED, 'compiled'), join(BUNDLED, 'compiled.new')];
rmSync(fresh, { recursive: true, force: true });
// Portable: by the way from here to a bundle, not by a path and a user, since services have users of their own, and may see the folder elsewhere.
enableCompileCache({ directory: fresh, portable: true });
// No such level: what would start a service refuses its settings, as the first thing after all is loaded.
process.env.BERTH_LOG_LEVEL = 'none';
for (const bundle of readdirSync(join(BUNDLED, 'services')).filter((name) => name.endsWith('.js') && !LOADED_ELSEWHERE.has(name))) {
  await import(pathToFileURL(join(BUNDLED, 'services', bundle)).href).catch(() => undefined);
}
flushCompileCache();
chmodSync(fresh, 0o755);
for (const name of readdirSync(fresh, { recursive: true, withFileTypes: true })) chmodSync(join(name.parentPath, name.name), name.isDirectory() ? 0o755 : 0o644);
rmSync(place, { recursive: true, force: true });
renameSync(fresh, place);
