import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failpoints } from '../chaos/failpoints.js';
import { LineServer } from '../fixtures/line-server.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

const LINES = 20_000;

/** `places`: where the executor dies, and at which of its hits. */
export function testLogCrashes(places: readonly (readonly [place: string, nth: number])[]): void {
  let directory: string;
  let failpoints: Failpoints;
  let engine: TestEngine;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'berth-log-crashes-'));
    failpoints = new Failpoints(join(directory, 'orders'));
    engine = await startEngine({ BERTH_FAILPOINT_ORDERS: failpoints.directory });
    await engine.loadBusybox();
  }, patience(120_000));
  afterAll(async () => {
    await engine?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, patience(60_000));

  const numbered = (text: string): readonly number[] => (text.match(/\b\d{8}(?= )/g) ?? []).map(Number);

  test.each(places)('an executor that dies at %s, the %s. time, leaves no line out of log and receiver, and none twice but the last one sent', async (place, nth) => {
    const path = join(directory, 'syslog');
    const server = await LineServer.listen(path);
    const writer = `while [ ! -e /go ]; do sleep 0.05; done; awk 'BEGIN { filling = sprintf("%90s", "."); for (i = 0; i < ${LINES}; i++) { printf "%08d %s\\n", i, filling; if (i % 1000 == 0) { fflush(); system("sleep 0.05") } } }'`;
    const options = ['syslog-address=unix://'.concat(path), 'cache-max-size=500k', 'cache-max-file=20'].flatMap((option) => ['--log-opt', option]);
    const id = (await engine.docker(['run', '-d', '--name', 'writer', '--log-driver', 'syslog', ...options, 'busybox', 'sh', '-c', writer])).stdout.trim();
    const executor = engine.pid('executor') ?? 0;
    await failpoints.order(engine, 'executor', executor, `${place}@${nth}=crash`);
    await engine.docker(['exec', 'writer', 'touch', '/go']);
    await expect.poll(() => failpoints.crashedAt(executor), { timeout: patience(20_000) }).toBe(place);
    expect(await engine.docker(['wait', 'writer'])).toMatchObject({ stdout: '0\n' });

    await expect.poll(() => new Set(numbered(server.lines.join('\n'))).size, { timeout: patience(20_000) }).toBe(LINES);
    const sent = numbered(server.lines.join('\n'));
    const twice = sent.length - LINES;
    if (place === 'log.sent') expect(twice).toBe(1);
    else expect(twice).toBeLessThanOrEqual(1);
    const folder = join(engine.settings.dataRoot, 'containers', id);
    const files = (): readonly string[] => readdirSync(folder).flatMap((name) => /-json\.log(?:\.\d+)?(.*)/.exec(name)?.[1] ?? []);
    await expect.poll(() => new Set(files()), { timeout: patience(20_000) }).toEqual(new Set(['', '.gz']));
    expect(numbered((await engine.docker(['logs', 'writer'])).stdout)).toEqual(Array.from({ length: LINES }, (_, number) => number));
    await engine.docker(['rm', 'writer']);
    await server.close();
  }, patience(90_000));
}
