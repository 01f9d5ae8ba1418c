import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failpoints } from '../chaos/failpoints.js';
import { startEngine, type TestEngine } from './engine.js';

export interface FailingEngine {
  readonly engine: TestEngine;
  readonly failpoints: Failpoints;
  readonly stop: () => Promise<void>;
}

/** An engine with busybox whose processes fail where a test orders it. */
export async function startFailingEngine(environment: Readonly<Record<string, string>> = {}): Promise<FailingEngine> {
  const failpoints = new Failpoints(mkdtempSync(join(tmpdir(), 'berth-failpoints-')));
  const engine = await startEngine({ ...environment, BERTH_FAILPOINT_ORDERS: failpoints.directory });
  await engine.loadBusybox();
  const stop = async (): Promise<void> => {
    await engine.stop();
    failpoints.remove();
  };
  return { engine, failpoints, stop };
}
