import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { freePort } from '../engine/private-addresses.js';
import { startInTrace } from '../metrics/scrape.js';

const CONFIGURATION = join(import.meta.dirname, '..', '..', '..', 'observability', 'prometheus');
const TRACE = 'c0ffee'.padEnd(32, '0');
const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;

describe.runIf(hasPrometheus)('a real Prometheus with our configuration', () => {
  let engine: TestEngine;
  let prometheus: ChildProcess;
  let address: string;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-prometheus-'));
    engine = await startEngine();
    await engine.loadBusybox();
    await engine.docker(['run', '--name', 'job', 'busybox', 'sh', '-c', 'exit 3']);
    await engine.docker(['create', '--name', 'web', 'busybox', 'sleep', '1000']);
    await startInTrace(engine.socket, 'web', TRACE);
    cpSync(CONFIGURATION, folder, { recursive: true });
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('localhost:9323', `127.0.0.1:${engine.settings.metricsPort}`).replaceAll('15s', '1s'));
    address = `127.0.0.1:${await freePort()}`;
    prometheus = spawn('prometheus', [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${address}`, '--enable-feature=exemplar-storage'], { stdio: 'ignore' });
  });

  afterAll(async () => {
    if (prometheus !== undefined && prometheus.exitCode === null) {
      prometheus.kill('SIGTERM');
      await new Promise((resolve) => prometheus.once('exit', resolve));
    }
    await engine?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Asks until there is an answer that fits: scrapes and rules come by the second. */
  async function asked(path: string, holds: (data: string) => void): Promise<void> {
    await vi.waitFor(async () => holds(await (await fetch(`http://${address}/api/v1/${path}`)).text()), { timeout: 25_000, interval: 200 });
  }
  const query = (expression: string, value: string): Promise<void> =>
    asked(`query?query=${encodeURIComponent(expression)}`, (text) => {
      const answer = JSON.parse(text) as { readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] } };
      expect(answer.data.result.map((one) => one.value[1])).toEqual([value]);
    });

  test('it scrapes both pages', async () => {
    await query('up{job="docker"}', '1');
    await query('up{job="cadvisor"}', '1');
    await query('count(container_memory_working_set_bytes{job="cadvisor",name="web"})', '1');
  });

  test('it records what others call our series', async () => {
    await query('kube_pod_container_status_last_terminated_exitcode{container="job"}', '3');
    await query('podman_container_state{name="web"}', '2');
  });

  test('it alarms of a container that failed', async () => {
    await query('ALERTS{alertname="BerthContainerExitedWithError",name="job",alertstate="firing"}', '1');
  });

  test('it keeps the traces of starts', async () => {
    const end = Date.now() / 1000;
    await asked(`query_exemplars?query=berth_container_phase_seconds_bucket&start=${end - 600}&end=${end + 600}`, (text) => expect(text).toContain(TRACE));
  });
});
