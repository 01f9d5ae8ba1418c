import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '#libs/errors/errors.js';
import { type CdiSpec, readCdiSpec } from '../../domain/cdi/cdi-spec.js';

const MOST_FILE_BYTES = 4 * 1024 * 1024;

export interface CdiFiles {
  readonly specs: readonly CdiSpec[];
  /** What could not be read, and why. */
  readonly wrong: readonly string[];
}

/**
 * All CDI files of these folders, in their order, which is that of precedence: the last counts most. Read anew each time, since drivers write them at will. A folder that
 * is not there has none.
 */
export async function cdiFiles(folders: readonly string[]): Promise<CdiFiles> {
  const specs: CdiSpec[] = [];
  const wrong: string[] = [];
  for (const folder of folders) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      try {
        specs.push(readCdiSpec(await parsed(path)));
      } catch (error) {
        wrong.push(`${path}: ${errorMessage(error)}`);
      }
    }
  }
  return { specs, wrong };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /\.(json|yaml)$/.test(name)).toSorted();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

async function parsed(path: string): Promise<unknown> {
  const facts = statSync(path);
  if (!facts.isFile()) throw new Error('it is no file');
  if (facts.size > MOST_FILE_BYTES) throw new Error(`it has more than ${MOST_FILE_BYTES} bytes`);
  const text = readFileSync(path, 'utf8');
  if (path.endsWith('.json')) return JSON.parse(text);
  // Loaded when there is something to read: few machines have such devices.
  const { parse } = await import('yaml');
  return parse(text, { maxAliasCount: 100 });
}
