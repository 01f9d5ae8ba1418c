import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, run } from './command.mjs';
import { exclusively } from './exclusively.mjs';
import { SetupError, step } from './progress.mjs';
import { REPOSITORY } from './repository.mjs';

const STAMP = join(REPOSITORY, 'node_modules/.berth-lock-hash');
const NODE = join(REPOSITORY, 'node_modules/node/bin/node');

/** Installs the packages of the lock file, unless those are there already; with the exact Node that Berth runs on. */
export async function ensureNpmPackages() {
  await exclusively(`${REPOSITORY}/node_modules`, () => {
    const wished = createHash('sha256').update(readFileSync(join(REPOSITORY, 'package-lock.json'))).digest('hex');
    if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wished && nodeRuns()) return;
    if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== wished) {
      step('installing npm packages from package-lock.json');
      run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: REPOSITORY });
    }
    if (!nodeRuns()) fetchNode();
    writeFileSync(STAMP, wished);
  });
}

/** The path of the Node that Berth runs on. */
export function node26() {
  return NODE;
}

/** The npm package `node` fetches the program for this machine by an install script; npm may be told to run none (ignore-scripts). */
function fetchNode() {
  step('fetching the Node that Berth runs on');
  run('npm', ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error'], { cwd: REPOSITORY });
  if (!nodeRuns()) run(process.execPath, ['installArchSpecificPackage.js'], { cwd: join(REPOSITORY, 'node_modules/node') });
  if (!nodeRuns()) throw new SetupError(`${NODE} is missing or does not run here: \`npm rebuild node\` may say why`);
}

const nodeRuns = () => outputOf(NODE, ['--version']) !== undefined;
