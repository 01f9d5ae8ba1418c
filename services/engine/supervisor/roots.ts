import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage, invalid } from '#libs/errors/errors.js';
import { writeWhole } from '#libs/linux/whole-file.js';
import type { SupervisorSettings } from '../settings.js';

/** What Berth writes in a data root, and what a disk of its own has. */
const OURS = /^(\.berth-probe.*|nats|content|state|secrets|layers|containers|volumes|executor|kept|trash|engine-id|run-root(\.new)?|logs|app|tools|lost\+found)$/;
/** Any other than root's: what is tried is whether a file system has owners. */
const NOBODY = 65_534;

/**
 * Makes the data root and the run root where they are missing, and tries whether what Berth keeps can lie there. Throws with the setting's name where not: on a file system
 * that is read-only, the kernel's or without owners, below a file, behind links that lead in a circle; or among files of others, whose folder's rights would become Berth's.
 */
export function makeRoots({ dataRoot, runRoot }: Pick<SupervisorSettings, 'dataRoot' | 'runRoot'>): void {
  makeRoot('BERTH_DATA_ROOT', dataRoot);
  makeRoot('BERTH_RUN_ROOT', runRoot);
  const names = readdirSync(dataRoot);
  const strange = names.find((name) => !OURS.test(name));
  if (strange !== undefined && !names.includes('secrets')) throw invalid(`BERTH_DATA_ROOT is "${dataRoot}", which has "${strange}" in it and is not Berth's: it must be a folder of its own`);
}

function makeRoot(variable: string, path: string): void {
  try {
    makeFolder(path);
    const probe = join(path, '.berth-probe');
    writeWhole(probe, '', { mode: 0o640, uid: NOBODY });
    rmSync(probe);
  } catch (error) {
    throw invalid(`${variable} is "${path}", which cannot be: ${errorMessage(error)}`);
  }
}

/** Level by level: below /proc Node's recursive mkdir does not end. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}
