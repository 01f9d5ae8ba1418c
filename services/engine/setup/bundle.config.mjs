import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { REPOSITORY } from './repository.mjs';

const SERVICES = ['engine', 'executor', 'containers', 'gateway', 'images', 'networks', 'volumes'];

/**
 * What the long-lived processes load, out of what was compiled: a few files instead of 1,500, most of which are of packages that are used in part. They start in half the time
 * and keep half the heap. Two folders below dist/, as the modules that hold paths to dist/native/; the thread that walks trees is a file of its own, beside its starter.
 */
export default {
  cwd: REPOSITORY,
  platform: 'node',
  input: {
    ...Object.fromEntries(SERVICES.map((name) => [name, `dist/services/${name}/main.js`])),
    'tree-thread': 'dist/services/executor/adapters/trees/tree-thread.js',
  },
  // What Nest would load if somebody had installed it.
  external: (name) => !/^[./\0#]/.test(name) && !name.startsWith('node:') && !existsSync(join(REPOSITORY, 'node_modules', packageOf(name))),
  plugins: [{ name: 'source-maps', load: withMap, generateBundle: leanMaps }],
  // Errors and metadata go by the names of classes.
  output: { dir: 'dist/bundled/services', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js', keepNames: true, sourcemap: true },
  onLog: (level, log, report) => void (['EVAL', 'UNRESOLVED_IMPORT', 'CIRCULAR_DEPENDENCY'].includes(log.code) || report(level, log)),
};

function packageOf(name) {
  return name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/');
}

/** What the compiler wrote beside its output leads on to the TypeScript. */
function withMap(id) {
  const isOurs = !id.includes('/node_modules/') && existsSync(`${id}.map`);
  return isOurs ? { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') } : null;
}

/** Node reads a map as soon as a stack is asked for, and holds all of it: lines of our own code are enough, packages are shown as they lie there. */
function leanMaps(_options, files) {
  for (const file of Object.values(files)) {
    if (file.type !== 'asset' || !file.fileName.endsWith('.map')) continue;
    const map = JSON.parse(file.source);
    const isOurs = map.sources.map((source) => !source.includes('node_modules/'));
    const mappings = encode(decode(map.mappings).map((line) => line.filter(([, source]) => isOurs[source]).slice(0, 1)));
    file.source = JSON.stringify({ ...map, mappings, names: [], sourcesContent: undefined });
  }
}
