import { existsSync, readFileSync } from 'node:fs';
import { builtinModules, isBuiltin } from 'node:module';
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
    supervisor: 'dist/services/engine/supervisor/main.js',
    'tree-thread': 'dist/services/executor/adapters/trees/tree-thread.js',
  },
  // What Nest would load if somebody had installed it.
  external: (name) => !/^[./\0#]/.test(name) && !isBuiltin(name) && !existsSync(join(REPOSITORY, 'node_modules', packageOf(name))),
  plugins: [{ name: 'builtins', resolveId: asBuiltin, load: builtin }, { name: 'unused', load: withoutTelephones }, { name: 'source-maps', load: withMap, generateBundle: leanMaps }, { name: 'ascii', generateBundle: asciiAlone }],
  // Errors and metadata go by the names of classes.
  output: { dir: 'dist/bundled/services', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js', keepNames: true, comments: { legal: true, annotation: false, jsdoc: false }, sourcemap: true },
  onLog: (level, log, report) => void (['EVAL', 'UNRESOLVED_IMPORT', 'CIRCULAR_DEPENDENCY'].includes(log.code) || report(level, log)),
};

function packageOf(name) {
  return name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/');
}

const BUILTIN = '\0builtin:';

function asBuiltin(name, _importer, { kind }) {
  const bare = name.replace(/^node:/, '');
  return kind === 'import-statement' && builtinModules.includes(bare) ? `${BUILTIN}${bare}` : null;
}

/** To import a module of Node's has all that it exports looked at, and node:http exports a WebSocket: all of undici is loaded for it, 60 ms and 3 MiB a process. */
function builtin(id) {
  if (!id.startsWith(BUILTIN)) return null;
  const name = id.slice(BUILTIN.length);
  const names = Object.keys(process.getBuiltinModule(name)).filter((key) => key !== 'default');
  const code = [`const it = process.getBuiltinModule('node:${name}');`, 'export default it;', 'const read = (name) => it[name];', ...names.map((key) => `const its_${key} = /* @__PURE__ */ read('${key}');`), `export { ${names.map((key) => `its_${key} as ${key}`).join(', ')} };`];
  return { code: code.join('\n'), moduleSideEffects: false };
}

/** class-validator brings the telephone numbers of all countries along, half a megabyte that is parsed at each start: no contract has any (test/architecture/bundle.test.ts). */
function withoutTelephones(id) {
  return id.includes('/node_modules/libphonenumber-js/') ? { code: 'module.exports = {};', moduleType: 'js' } : null;
}

/** One letter beyond Latin-1, in a string or a table of letters, has V8 hold the whole file with two bytes a letter, and read it slower. */
function asciiAlone(_options, files) {
  for (const file of Object.values(files)) {
    if (file.type === 'chunk') file.code = file.code.replace(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
  }
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
