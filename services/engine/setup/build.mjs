import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { outputOf, run } from './command.mjs';
import { exclusively } from './exclusively.mjs';
import { ensureNpmPackages, node26 } from './npm-packages.mjs';
import { runScript, step } from './progress.mjs';
import { REPOSITORY } from './repository.mjs';

const DIST = join(REPOSITORY, 'dist');
const NATIVE = join(DIST, 'native');
const TYPESCRIPT_FOLDERS = ['contracts', 'libs', 'services', 'test'];
const SHIM = 'services/executor/shim';
const ADDON = 'libs/linux';
const BUNDLE = 'services/engine/setup/bundle.config.mjs';
const COMPILED_CODE = 'services/engine/setup/compiled-code.mjs';

/** Compiles dist/ and dist/native/ where a source changed since the last time; returns whether any did. Throws SetupError with the compiler's words. */
export async function build() {
  return exclusively(`${REPOSITORY}/dist`, async () => {
    const typescript = await once('typescript', hashOf([...TYPESCRIPT_FOLDERS, 'tsconfig.json', 'package-lock.json'], /\.(ts|json)$/), 'compiling TypeScript', compileTypeScript);
    const bundle = await once('bundle', hashOf(['contracts', 'libs', 'services', 'tsconfig.json', 'package-lock.json', BUNDLE, COMPILED_CODE], /\.(ts|json|mjs)$/), 'bundling the services', bundleServices);
    const table = join(DIST, 'services/executor/domain/plan/plan-table.js');
    const shim = await once('shim', hashOf([SHIM, relative(REPOSITORY, table)], /\.(c|h|mjs|js)$/), 'compiling the shim', () => native(SHIM, NATIVE));
    const addon = await once('addon', hashOf([ADDON], /\.(c|h|mjs)$/), 'compiling the addon', () => native(ADDON, join(NATIVE, 'linux.node')));
    return typescript || bundle || shim || addon;
  });
}

/** Runs `work` unless it was done for the same sources; returns whether it ran. A failure leaves no stamp. */
async function once(name, hash, what, work) {
  const stamp = join(DIST, `.${name}.stamp`);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return false;
  step(what);
  rmSync(stamp, { force: true });
  await work();
  mkdirSync(DIST, { recursive: true });
  writeFileSync(stamp, hash);
  return true;
}

function compileTypeScript() {
  // What was compiled from a file that is gone must go too: tests are found in dist/.
  for (const folder of TYPESCRIPT_FOLDERS) rmSync(join(DIST, folder), { recursive: true, force: true });
  run(node26(), [join(REPOSITORY, 'node_modules/typescript/bin/tsc'), '-p', REPOSITORY], { cwd: REPOSITORY });
}

/** Beside the bundles that are there, and whole before it takes their place: an engine of this clone may run meanwhile, and start what dies again. */
function bundleServices() {
  const [place, fresh] = [join(DIST, 'bundled'), join(DIST, 'bundled.new')];
  rmSync(fresh, { recursive: true, force: true });
  run(node26(), [join(REPOSITORY, 'node_modules/rolldown/bin/cli.mjs'), '--config', join(REPOSITORY, BUNDLE), '--dir', join(fresh, 'services')], { cwd: REPOSITORY });
  rmSync(place, { recursive: true, force: true });
  renameSync(fresh, place);
  run(node26(), [join(REPOSITORY, COMPILED_CODE)]);
}

/** A folder of C builds itself: `build.mjs <target>`, run by the Node that Berth runs on. */
function native(folder, target) {
  const script = join(REPOSITORY, folder, 'build.mjs');
  if (!existsSync(script)) return;
  mkdirSync(NATIVE, { recursive: true });
  run(node26(), [script, target]);
}

/** A hash of names and bytes of all files below `places` that match, and of the Node and machine they are built for. */
function hashOf(places, pattern) {
  const hash = createHash('sha256').update(`${process.arch} ${outputOf(node26(), ['--version'])}`);
  for (const place of places) {
    for (const file of filesBelow(join(REPOSITORY, place)).filter((name) => pattern.test(name))) {
      hash.update(`${relative(REPOSITORY, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) =>
      entry.isDirectory() ? (entry.name === 'node_modules' ? [] : filesBelow(join(path, entry.name))) : [join(path, entry.name)]);
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await runScript(async () => {
    await ensureNpmPackages();
    await build();
    step('built');
  });
}
