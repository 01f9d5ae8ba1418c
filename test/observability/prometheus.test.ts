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
  /** One that keeps native histograms takes them instead of those with bounds. */
  let [classic, native]: Prometheus[] = [];

  beforeAll(async () => {
    engine = await startEngine();
    await engine.loadBusybox();
    await engine.docker(['run', '--name', 'job', 'busybox', 'sh', '-c', 'exit 3']);
    await engine.docker(['create', '--name', 'web', 'busybox', 'sleep', '1000']);
    await startInTrace(engine.socket, 'web', TRACE);
    [classic, native] = await Promise.all(['exemplar-storage', 'native-histograms'].map((feature) => Prometheus.start(engine.settings.metricsPort, feature)));
  });

  afterAll(async () => {
    await Promise.all([classic?.stop(), native?.stop()]);
    await engine?.stop();
  });

  const query = (expression: string, value: string, prometheus = classic): Promise<void> =>
    prometheus!.asked(`query?query=${encodeURIComponent(expression)}`, (text) => {
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
    await classic!.asked(`query_exemplars?query=berth_container_phase_seconds_bucket&start=${end - 600}&end=${end + 600}`, (text) => expect(text).toContain(TRACE));
  });

  test('it keeps what a start takes as a native histogram, with all else of the page', async () => {
    await query('histogram_count(berth_container_phase_seconds{phase="start",outcome="ok"})', '2', native);
    // The time that half of them took: of what bounds alone told, it would be one of theirs.
    await query('histogram_quantile(0.5, berth_container_phase_seconds{phase="start",outcome="ok"}) > bool 0', '1', native);
    await query('count(berth_container_state{name="web",state="running"} == 1)', '1', native);
    await query('count(engine_daemon_container_actions_seconds_bucket{action="start",le="+Inf"})', '1', native);
    await query('up{job="docker"} + on() up{job="cadvisor"}', '2', native);
  });
});

/** A real one with the configuration that we ship, of which times alone are shorter. */
class Prometheus {
  private constructor(
    private readonly child: ChildProcess,
    private readonly address: string,
    private readonly folder: string,
  ) {}

  static async start(metricsPort: number, feature: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'berth-prometheus-'));
    cpSync(CONFIGURATION, folder, { recursive: true });
    const file = join(folder, 'prometheus.yml');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('localhost:9323', `127.0.0.1:${metricsPort}`).replaceAll('15s', '1s'));
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn('prometheus', [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=${address}`, `--enable-feature=${feature}`], { stdio: 'ignore' });
    return new Prometheus(child, address, folder);
  }

  /** Asks until there is an answer that fits: scrapes and rules come by the second. */
  async asked(path: string, holds: (data: string) => void): Promise<void> {
    await vi.waitFor(async () => holds(await (await fetch(`http://${this.address}/api/v1/${path}`)).text()), { timeout: 25_000, interval: 200 });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await new Promise((resolve) => this.child.once('exit', resolve));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
