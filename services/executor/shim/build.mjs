// Compiles berth-shim and berth-init, static, with musl-gcc. Runs after tsc: the plan table is read from dist/.
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { generateHeader } from './generate-header.mjs';

const run = promisify(execFile);
const sources = dirname(fileURLToPath(import.meta.url));
const compiledTable = join(sources, '../../../dist/services/executor/domain/plan/plan-table.js');
const flags = ['-static', '-Os', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections', '-s'];

/** The kernel's headers, which musl does not bring. */
async function kernelHeaders() {
  const { stdout } = await run('gcc', ['-print-multiarch']).catch(() => ({ stdout: '' }));
  return ['-idirafter', '/usr/include', ...(stdout.trim() ? ['-idirafter', `/usr/include/${stdout.trim()}`] : [])];
}

/**
 * Builds both programs in `outDir`, made when missing. Rejects with the compiler's message.
 * @param {string} outDir
 * @returns {Promise<{ shim: string, init: string }>} their paths
 */
export async function buildShim(outDir) {
  await mkdir(outDir, { recursive: true });
  const table = await import(pathToFileURL(compiledTable).href);
  await writeFile(join(outDir, 'plan_ops.h'), generateHeader(table));
  const files = (await readdir(sources)).filter((name) => name.endsWith('.c') && name !== 'berth-init.c').map((name) => join(sources, name));
  const headers = await kernelHeaders();
  const shim = join(outDir, 'berth-shim');
  const init = join(outDir, 'berth-init');
  await Promise.all([
    run('musl-gcc', [...flags, '-I', outDir, '-I', sources, ...headers, '-o', shim, ...files]),
    run('musl-gcc', [...flags, ...headers, '-o', init, join(sources, 'berth-init.c')]),
  ]);
  return { shim, init };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildShim(process.argv[2] ?? join(sources, '../../../dist/services/executor/shim')));
