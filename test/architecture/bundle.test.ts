import { isAscii } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { sourceStack } from '#libs/telemetry/source-stack.js';

/** Tests run compiled: from dist/test/architecture up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');

const sources = ['contracts', 'libs', 'services'].flatMap((folder) => filesBelow(folder, /(?<!\.test)\.ts$/));
const bundles = filesBelow('dist/bundled', /\.js$/);

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name)).map((name) => join(ROOT, folder, name));
}

test('what the bundles leave out is asked for nowhere', () => {
  expect(sources.length).toBeGreaterThan(500);
  expect(sources.filter((file) => /phone/i.test(readFileSync(file, 'utf8')))).toEqual([]);
});

test('the bundles are ASCII, which is read as it lies there', () => {
  expect(bundles.length).toBeGreaterThan(20);
  expect(bundles.filter((file) => !isAscii(readFileSync(file)))).toEqual([]);
});

test('the bundles import nothing of Node, which would have all that it exports looked at', () => {
  const named = bundles.flatMap((file) => Array.from(readFileSync(file, 'utf8').matchAll(/^import\b.*?"([^"]+)"/gm), ([, name = '']) => name));
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((name) => !name.startsWith('./'))).toEqual([]);
});

test('a stack out of a bundle tells lines of the sources, and of packages as they lie there', () => {
  const told = (bundle: string, code: string): string => {
    const path = join(ROOT, 'dist/bundled/services', bundle);
    const line = readFileSync(path, 'utf8').split('\n').findIndex((text) => text.includes(code)) + 1;
    expect(line).toBeGreaterThan(0);
    return sourceStack(`    at ${pathToFileURL(path).href}:${line}:7`);
  };
  expect(told('executor.js', 'var ExecutorParts = class')).toMatch(new RegExp(`^ {4}at ${ROOT}/services/executor/executor-parts.ts:\\d+:\\d+$`));
  expect(told('gateway-service.js', 'var require_reusify =')).toMatch(/gateway-service\.js:\d+:7$/);
});

test('a process takes what was compiled with the bundles, also as another user, and compiles none of them', () => {
  // Its settings are refused, once all is loaded.
  const env = { NODE_COMPILE_CACHE: join(ROOT, 'dist/bundled/compiled'), NODE_COMPILE_CACHE_PORTABLE: '1', NODE_DEBUG_NATIVE: 'COMPILE_CACHE', BERTH_LOG_LEVEL: 'none' };
  const { stderr } = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, join(ROOT, 'dist/bundled/services/gateway.js')], { env, encoding: 'utf8' });
  const accepted = Array.from(stderr.matchAll(/V8 code cache for ESM \S+\/(\S+?)\.js was accepted/g), ([, name]) => name);
  expect(accepted).toEqual(expect.arrayContaining(['gateway', 'gateway-service', 'run-services']));
  expect(stderr).not.toMatch(/rejected|not initialized/);
});
