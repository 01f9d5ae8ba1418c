import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';

/** Tests run compiled: from dist/test/architecture up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Import {
  readonly from: string;
  /** A path from the root ("libs/oci/tar-reader.js"), or a package's name. */
  readonly to: string;
  /** Only types cross: nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

function importsOf(file: string): Import[] {
  return Array.from(readFileSync(join(ROOT, file), 'utf8').matchAll(STATEMENT), ([, type, named, bare, dynamic]) => ({
    from: file,
    to: resolved(file, named ?? bare ?? dynamic ?? ''),
    typeOnly: type !== undefined,
  }));
}

function resolved(file: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier;
}

const files = ['contracts', 'libs', 'services'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.split('/').includes('testing'))
    .map((name) => `${top}/${name}`),
);
const imports = files.flatMap(importsOf);
const serviceOf = (path: string): string | undefined => /^services\/([^/]+)\//.exec(path)?.[1];
const isDomain = (path: string): boolean => /^services\/[^/]+\/domain\//.test(path);

/** What the rule finds wrong, one line each, so that a failure names every place. */
const offences = (isWrong: (found: Import) => boolean): string[] => imports.filter(isWrong).map(({ from, to }) => `${from} imports ${to}`);

test('the imports of the tree are found at all', () => {
  expect(imports.length).toBeGreaterThan(200);
  expect(imports.some(({ to }) => to === 'libs/errors/errors.js')).toBe(true);
});

test("one module connects to NATS: it sees to it that the server is the engine's own, with what the client keeps for all connections of a process", () => {
  const connecting = files.filter((file) => /^import \{[^}]*\b(connect|setTransportFactory|NatsConnectionImpl|wsconnect)\b[^}]*\} from '@nats-io\//m.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(connecting).toEqual(['libs/nats/connect-nats.ts']);
});

test('what takes a while is timed by a clock that nobody sets', () => {
  const byTheWall = /\b(?:deadline|until|since|began|start(?:ed)?)\b(?: =|:) Date\.now\(\)|Date\.now\(\) [<>]=? (?:deadline|until)|(?:deadline|until) [<>]=? Date\.now\(\)/;
  expect(files.filter((file) => byTheWall.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});

test('a service imports no other service: only the engine, which composes them, may', () => {
  expect(offences(({ from, to }) => serviceOf(from) !== undefined && serviceOf(from) !== 'engine' && serviceOf(to) !== undefined && serviceOf(to) !== serviceOf(from))).toEqual([]);
});

test('a library knows no service, and of the contracts only types and how a request looks', () => {
  expect(offences(({ from, to }) => from.startsWith('libs/') && to.startsWith('services/'))).toEqual([]);
  expect(offences(({ from, to, typeOnly }) => from.startsWith('libs/') && to.startsWith('contracts/') && to !== 'contracts/request.js' && !typeOnly)).toEqual([]);
});

test('a domain is pure: no adapter, no application, no framework, no files and no network', () => {
  const impure = /^(@nestjs\/|@nats-io\/|fastify$|node:(fs|net|http|https|dgram|child_process|worker_threads|timers)(\/|$))/;
  expect(offences(({ from, to }) => isDomain(from) && (/^services\/[^/]+\/(adapters|application)\//.test(to) || impure.test(to)))).toEqual([]);
});

test('contracts stand alone: they import neither services nor libraries', () => {
  expect(offences(({ from, to }) => from.startsWith('contracts/') && /^(services|libs)\//.test(to))).toEqual([]);
});
