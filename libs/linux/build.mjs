// Compiles native/*.c to one addon, with gcc and the headers of the npm package node-api-headers: node-gyp would download Node's own.
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));

/** Builds the addon into `outFile` (made whole under another name, then renamed: a process that has the old one loaded keeps it). Rejects with gcc's own words. */
async function buildAddon(outFile) {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  const sources = (await readdir(join(here, 'native'))).filter((name) => name.endsWith('.c')).map((name) => join(here, 'native', name));
  await mkdir(dirname(outFile), { recursive: true });
  const unfinished = `${outFile}.${process.pid}`;
  const flags = ['-shared', '-fPIC', '-O2', '-std=gnu11', '-Wall', '-Wextra', '-Wno-missing-field-initializers', '-fstack-protector-strong', '-Wl,-z,relro,-z,now'];
  await promisify(execFile)('gcc', [...flags, '-isystem', headers, '-o', unfinished, ...sources]);
  await rename(unfinished, outFile);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildAddon(process.argv[2] ?? join(here, '../../dist/native/linux.node'));
}
