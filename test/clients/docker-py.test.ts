import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { clientProgram, linesOf, runClient } from './clients.js';

const SCRIPT = fileURLToPath(new URL('../../../test/clients/docker_py.py', import.meta.url));
const python = await clientProgram('docker-py');
const cases = python === undefined ? [] : linesOf(python, [SCRIPT]);

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));

afterAll(async () => {
  await engine?.stop();
}, patience(60_000));

test.skipIf(python !== undefined)('Debian\'s python3-docker cannot be had here: docker-py is left out', () => undefined);
test.each(cases)('docker-py: %s', async (name) => {
  const { code, stderr } = await runClient(engine, python ?? '', [SCRIPT, name]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
