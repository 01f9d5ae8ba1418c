import { afterAll, beforeAll, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { runAtOnce } from './commands-at-once.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(300_000));
afterAll(() => engine?.stop(), patience(180_000));

test('a hundred commands run in a container at once', async () => {
  await engine.docker(['run', '-d', '--name', 'inside', '--network', 'none', 'busybox', 'sleep', '1000']);
  await runAtOnce(engine, 'inside', 100);
}, patience(300_000));
