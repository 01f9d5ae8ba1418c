import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { type HostileImage, hostileImages } from '../fixtures/hostile-images.js';
import { imageArchive } from '../fixtures/image-archive.js';

const secret = mkdtempSync('/var/tmp/berth-secret-');
writeFileSync(join(secret, 'file'), 'secret\n', { mode: 0o600 });
writeFileSync(join(secret, 'passwd'), 'hostuser:x:0:0::/:/bin/sh\n', { mode: 0o600 });

/** All that can be told of the host's secret: nobody may have written, chmodded, linked or removed there. Reading shows in what a container prints. */
const stateOfSecret = (): unknown => ({
  names: readdirSync(secret).toSorted(),
  texts: ['file', 'passwd'].map((name) => readFileSync(join(secret, name), 'utf8')),
  facts: ['.', 'file', 'passwd'].map((name) => statSync(join(secret, name))).map(({ mode, uid, gid, nlink, ino, mtimeMs, ctimeMs }) => ({ mode, uid, gid, nlink, ino, mtimeMs, ctimeMs })),
});

type Tried = Pick<HostileImage, 'parts'> & { readonly refused: RegExp | undefined; readonly options: readonly string[]; readonly args: readonly string[]; readonly stdout: RegExp; readonly stderr: RegExp | undefined };

let engine: TestEngine;
let before: unknown;
beforeAll(async () => {
  engine = await startEngine();
  before = stateOfSecret();
}, 120_000);
afterAll(async () => {
  await engine?.stop();
  rmSync(secret, { recursive: true });
}, 60_000);

/** What is half done: unpackings, ingests, layers that no image has. */
function leftovers(): readonly string[] {
  const { dataRoot } = engine.settings;
  return [...readdirSync(join(dataRoot, 'layers')).filter((name) => !name.startsWith('.')), ...readdirSync(join(dataRoot, 'content', 'ingest')), ...readdirSync(join(dataRoot, 'containers'))];
}

test.each(hostileImages(secret))('$name', async ({ parts, refused, options = [], args = [], stdout = /^$/, stderr }) => {
  try {
    await tryOut({ parts, refused, options, args, stdout, stderr });
  } finally {
    await http(engine.socket, 'DELETE', '/images/hostile?force=1');
  }
  expect(leftovers()).toEqual([]);
  expect(stateOfSecret()).toEqual(before);
});

async function tryOut({ parts, refused, options, args, stdout, stderr }: Tried): Promise<void> {
  const load = await engine.docker(['load', '--quiet'], await imageArchive({ tag: 'hostile', ...(await parts()) }));
  if (refused) {
    expect(load.code).toBe(1);
    expect(load.stderr).toMatch(refused);
    return;
  }
  expect(load).toMatchObject({ code: 0, stderr: '' });
  const run = await engine.docker(['run', '--rm', ...options, 'hostile', ...args]);
  expect(run.stderr).toMatch(stderr ?? /^$/);
  expect(run.stdout).toMatch(stdout);
  expect(run.stdout + run.stderr).not.toContain('secret\n');
  const failed = stderr !== undefined && run.stderr !== '';
  expect(run.code === 0).toBe(!failed);
}
