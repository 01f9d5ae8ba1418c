import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { type Answer, type Archives, answersOf } from './answers.js';
import { differencesOf, tell } from './compare.js';
import { isIntended } from './differences.js';
import { readGolden } from './golden.js';
import { normalised } from './normalise.js';
import { GROUPS } from './requests.js';
import { officialSchema } from './schema.js';

const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;

let engine: TestEngine;
let archives: Archives;
const schema = officialSchema();

beforeAll(async () => {
  const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
  archives = { busybox: busyboxImageTar(), rubbish: Buffer.alloc(2048, 'rubbish') };
  engine = await startEngine();
  await engine.loadBusybox();
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

describe.each(Object.keys(GROUPS))('%s', (group) => {
  const requests = GROUPS[group] ?? [];
  const golden = readGolden(group);
  let answers: ReadonlyMap<string, Answer>;
  beforeAll(async () => {
    answers = await answersOf(engine.socket, requests, archives);
  }, 120_000);

  test.each(requests.map(({ name }) => name))('%s is answered as dockerd does', (name) => {
    const [expected, actual] = [golden.get(name), answers.get(name)];
    if (expected === undefined) throw new Error('dockerd was never asked this: npm run conformance');
    if (actual === undefined) throw new Error('no answer');
    expect(differencesOf(name, expected, normalised(actual)).filter((found) => !isIntended(found)).map(tell)).toEqual([]);
  });

  test.skipIf(schema === undefined).each(requests.filter((request) => request.schema !== undefined))('$name fits the official schema', async ({ name, method, path, schema: place = '' }) => {
    // What is there for the whole run is asked again without a version; what came and went is held against the schema as it was answered.
    if (!/\/(version|info|images|networks)\b/.test(path)) return expect(schema?.problems(place, answers.get(name)?.body)).toEqual([]);
    const newest = await answersOf(engine.socket, [{ name, method, path: path.replace(/^\/v1\.\d+/, '') }], archives);
    expect(schema?.problems(place, newest.get(name)?.body)).toEqual([]);
  });
});
