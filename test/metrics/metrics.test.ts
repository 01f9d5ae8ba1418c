import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cgroupDirectories, detect } from '#libs/cgroup/layout.js';
import { askProcess } from '#libs/telemetry/ask-process.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { everyContainerSeries } from './every-container-series.js';
import { familiesOf, type Sample, samplesOf, scrape, startInTrace, valueOf } from './scrape.js';

/** Tests run compiled: from dist/test/metrics up to the sources. `npm run metrics:golden` renews it. */
const GOLDEN = join(import.meta.dirname, '..', '..', '..', 'test', 'metrics', 'families.txt');
const MEBIBYTE = 1 << 20;

let engine: TestEngine;
let own: string;
let cadvisor: string;
let before: number;
beforeAll(async () => {
  engine = await startEngine({ BERTH_METRICS_LABELS: 'com.docker.compose.project,team', BERTH_METRICS_LOOK: '0' });
  await engine.loadBusybox();
  before = Date.now() / 1000;
  await run(0, 'run', '-d', '--name', 'web', '-m', '64m', '--cpus', '0.5', '--label', 'team=a "quoted" \\ team', '--label', 'other=x', 'busybox', 'httpd', '-f', '-p', '80');
  await run(0, 'run', '--rm', '--network', 'container:web', 'busybox', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:80/bin/busybox');
  const address = (await run(0, 'inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web')).trim();
  await (await fetch(`http://${address}/bin/busybox`)).arrayBuffer();
  await run(0, 'run', '--name', 'ok', 'busybox', 'sh', '-c', 'head -c 100000 /dev/zero > /f');
  await run(7, 'run', '--name', 'bad', 'busybox', 'sh', '-c', 'exit 7');
  await run(127, 'run', '--name', 'missing', 'busybox', 'no-such-command');
  await run(137, 'run', '--name', 'oom', '-m', '8m', 'busybox', 'tail', '/dev/zero');
  await run(0, 'run', '-d', '--name', 'loop', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 3');
  await run(0, 'run', '-d', '--name', 'stubborn', 'busybox', 'sh', '-c', 'trap "" TERM; while :; do sleep 1; done');
  await run(0, 'restart', '-t', '1', 'stubborn');
  await run(0, 'rename', 'ok', 'fine');
  await run(0, 'commit', 'fine', 'unused');
  await run(0, 'run', '--rm', '--name', 'gone', 'busybox', 'true');
  await run(1, 'rm', 'web'); // refused: it runs
  await run(0, 'run', '-d', '--name', 'ill', '--network', 'none', '--health-cmd', 'exit 1', '--health-interval', '1h', '--health-start-period', '100ms', '--health-start-interval', '50ms', '--ulimit', 'nofile=100:200', 'busybox', 'sleep', '1000');
  await run(0, 'run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'numbers=$(seq 1 9000); echo $numbers');
  await run(0, 'history', 'busybox');
  await run(0, 'info');
  await run(0, 'version');
  await vi.waitFor(
    async () => {
      own = await scrape(engine.settings.metricsPort);
      expect(engines('berth_container_exits_total', { name: 'loop' })).toBe(3);
      expect(engines('engine_daemon_health_checks_failed_total')).toBeGreaterThan(0);
    },
    { timeout: 30_000, interval: 100 },
  );
  cadvisor = await scrape(engine.settings.metricsPort, '/metrics/cadvisor');
});
afterAll(() => engine?.stop());

async function run(code: number, ...args: string[]): Promise<string> {
  const result = await engine.docker(args);
  if (result.code !== code) throw new Error(`docker ${args.join(' ')}: exit code ${result.code}, not ${code}: ${result.stderr}`);
  return result.stdout;
}

const engines = (name: string, labels: Record<string, string> = {}): number => valueOf(samplesOf(own), name, labels);
const containers = (name: string, labels: Record<string, string> = {}): number => valueOf(samplesOf(cadvisor), name, labels);
const inWeb = (name: string, labels: Record<string, string> = {}): number => containers(name, { name: 'web', ...labels });
const namesOf = (samples: readonly Sample[], metric: string): string[] => samples.filter(({ name }) => name === metric).map(({ labels }) => labels['name'] ?? '');

test('names, types and labels are what dashboards were written for', () => {
  const found = `${familiesOf(own).join('\n')}\n\n${familiesOf(cadvisor, everyContainerSeries()).join('\n')}\n`;
  if (process.env['GOLDEN'] === 'renew') writeFileSync(GOLDEN, found);
  expect(found).toBe(readFileSync(GOLDEN, 'utf8'));
});

test('the state of each container is told exactly, after its exit too', () => {
  for (const [name, state] of Object.entries({ web: 'running', stubborn: 'running', fine: 'exited', bad: 'exited', oom: 'exited', missing: 'created' })) {
    const found = samplesOf(own).filter((sample) => sample.name === 'berth_container_state' && sample.labels['name'] === name && sample.value === 1);
    expect(found.map(({ labels }) => labels['state']), name).toEqual([state]);
  }
  expect(engines('engine_daemon_container_states_containers', { state: 'running' })).toBe(3);
});

test('exits are told by code, signal and reason', () => {
  expect(engines('berth_container_exits_total', { name: 'fine', code_class: '0', signal: '', reason: 'completed' })).toBe(1);
  expect(engines('berth_container_exits_total', { name: 'bad', code_class: '1-124', signal: '', reason: 'error' })).toBe(1);
  expect(engines('berth_container_exits_total', { name: 'oom', signal: 'SIGKILL', reason: 'oom' })).toBe(1);
  expect(engines('berth_container_exits_total', { name: 'stubborn', signal: 'SIGKILL', reason: 'stop_timeout' })).toBe(1);
  expect(engines('berth_container_last_exit_code', { name: 'bad' })).toBe(7);
  expect(engines('berth_container_last_exit_oom', { name: 'oom' })).toBe(1);
  expect(engines('berth_container_last_exit_oom', { name: 'bad' })).toBe(0);
  expect(engines('berth_container_last_exit_timestamp_seconds', { name: 'bad' })).toBeGreaterThan(before);
  expect(engines('berth_container_oom_kills_total', { name: 'oom', victim: 'init' })).toBe(1);
});

test('starts are told by what asked for them', () => {
  expect(engines('berth_container_starts_total', { name: 'loop', cause: 'api', actor_class: 'root' })).toBe(1);
  expect(engines('berth_container_starts_total', { name: 'loop', cause: 'restart_policy' })).toBe(2);
  expect(engines('berth_container_state_seconds_total', { name: 'loop', state: 'restarting' })).toBeGreaterThanOrEqual(0.3);
  expect(engines('berth_container_starts_total', { name: 'stubborn', cause: 'api' })).toBe(1);
  expect(engines('berth_container_starts_total', { name: 'stubborn', cause: 'restart' })).toBe(1);
});

test('a stop that was not heeded counts as killed', () => {
  expect(engines('berth_container_stop_seconds_count', { outcome: 'killed' })).toBe(1);
  expect(engines('berth_container_stop_seconds_sum', { outcome: 'killed' })).toBeGreaterThanOrEqual(1);
});

test('each start has its phases, and the one that failed says in which', () => {
  const count = (phase: string, outcome: string): number => engines('berth_container_phase_seconds_count', { phase, outcome });
  expect(count('start', 'ok')).toBe(13);
  for (const phase of ['snapshot', 'clone', 'mounts', 'exec', 'append']) expect(count(phase, 'ok'), phase).toBe(13);
  // The restart policy's starts are no commands, and neither is a restart; which image was looked up at creation.
  expect([count('command', 'ok'), count('command', 'error'), count('decide', 'ok')]).toEqual([10, 1, 14]);
  expect(count('image', 'ok')).toBe(engines('berth_commands_total', { type: 'containers.create', result: 'ok' }));
  // A command that is not there is found missing at its execve, with the network made.
  expect([count('network', 'ok'), count('exec', 'error'), count('start', 'error')]).toEqual([14, 1, 1]);
});

test('commands are told by their end', () => {
  expect(engines('berth_commands_total', { type: 'containers.remove', result: 'conflict', actor_class: 'root' })).toBe(1);
  expect(engines('engine_daemon_container_actions_seconds_count', { action: 'create' })).toBe(engines('berth_commands_total', { type: 'containers.create', result: 'ok' }));
});

test('no fold is behind the log', async () => {
  const services = ['gateway', 'containers', 'images', 'networks', 'volumes'];
  // A page may be of the moment between a commit and its folds: health checks go on.
  await expect.poll(async () => {
    const page = samplesOf(await scrape(engine.settings.metricsPort));
    return services.map((service) => valueOf(page, 'berth_projection_lag_events', { service }));
  }).toEqual(services.map(() => 0));
  expect(engines('berth_log_position')).toBeGreaterThan(20);
  expect(engines('berth_log_append_seconds_count', { service: 'containers' })).toBeGreaterThan(10);
});

test('series of removed containers vanish, renamed ones have their new name alone', () => {
  const names = [...namesOf(samplesOf(own), 'berth_container_state'), ...namesOf(samplesOf(cadvisor), 'container_last_seen')];
  expect(names).toContain('fine');
  expect(names).not.toContain('ok');
  expect(names).not.toContain('gone');
});

test("a container's use is told by cAdvisor's names, as its cgroup says", () => {
  expect(inWeb('container_cpu_usage_seconds_total', { cpu: 'total' })).toBeGreaterThan(0);
  expect(inWeb('container_memory_usage_bytes')).toBeGreaterThan(0);
  expect(inWeb('container_memory_working_set_bytes')).toBeLessThanOrEqual(inWeb('container_memory_usage_bytes'));
  expect(inWeb('container_spec_memory_limit_bytes')).toBe(64 * MEBIBYTE);
  expect(inWeb('container_spec_cpu_quota') / inWeb('container_spec_cpu_period')).toBe(0.5);
  expect(inWeb('container_start_time_seconds')).toBeGreaterThan(before);
  expect(namesOf(samplesOf(cadvisor), 'container_memory_usage_bytes').sort()).toEqual(['', 'ill', 'stubborn', 'web']);
  expect(containers('container_memory_usage_bytes', { id: '/' })).toBeGreaterThan(MEBIBYTE);
});

test('network counters are as the container sees them: it sent a megabyte, and received little', () => {
  expect(inWeb('container_network_transmit_bytes_total', { interface: 'eth0' })).toBeGreaterThan(MEBIBYTE / 2);
  expect(inWeb('container_network_receive_bytes_total', { interface: 'eth0' })).toBeLessThan(MEBIBYTE / 2);
});

test('what labels hold is written so that it can be read back; labels that are not allowed are not shown', () => {
  const shown = samplesOf(cadvisor).find(({ name, labels }) => name === 'container_memory_rss' && labels['name'] === 'web')?.labels;
  expect(shown).toEqual({
    id: expect.stringMatching(new RegExp(`^${engine.settings.cgroupParent}/[0-9a-f]{64}$`)),
    name: 'web',
    container: 'web',
    image: 'busybox',
    container_label_team: 'a \\"quoted\\" \\\\ team',
  });
});

test('a stopped container stays in container_last_seen with the time of its exit', () => {
  expect(containers('container_last_seen', { name: 'bad' })).toBeCloseTo(engines('berth_container_last_exit_timestamp_seconds', { name: 'bad' }), 2);
  expect(inWeb('container_last_seen')).toBeGreaterThan(containers('container_last_seen', { name: 'bad' }));
});

test("what dockerd counts of health checks, logs and images is counted", () => {
  expect(engines('engine_daemon_health_checks_total')).toBeGreaterThanOrEqual(engines('engine_daemon_health_checks_failed_total'));
  expect(engines('engine_daemon_health_check_start_duration_seconds_count')).toBeGreaterThan(0);
  expect(engines('berth_health_probe_seconds_count', { result: 'failed' })).toBe(engines('engine_daemon_health_checks_failed_total'));
  expect(engines('logger_log_entries_size_greater_than_buffer_total')).toBe(2);
  expect(engines('logger_log_write_operations_failed_total')).toBe(0);
  expect(engines('engine_daemon_image_actions_seconds_count', { action: 'history' })).toBe(1);
  const told = (name: string): number => engines('engine_daemon_host_info_functions_seconds_count', { function: name });
  expect([told('system_info'), told('operating_system'), told('os_version')]).toEqual([1, 0, 0]);
  expect(told('system_version')).toBeGreaterThan(0);
});

test('the layers of its image are told of each container, and its id of a name', async () => {
  const of = (name: string): number => engines('berth_container_image_bytes', { name });
  expect(of('web')).toBeGreaterThan(MEBIBYTE / 2);
  expect(of('bad')).toBe(of('web'));
  const id = (await run(0, 'inspect', '-f', '{{.Id}}', 'web')).trim();
  expect(engines('berth_container_info', { name: 'web', id })).toBe(1);
});

test('of images that no container has the layers are told that none shares which has one', () => expect(engines('berth_image_reclaimable_bytes')).toBe(100_000));

test("processes of a container are counted, with their files, sockets and limits", () => {
  expect(inWeb('container_processes')).toBe(1);
  expect(inWeb('container_tasks_state', { state: 'sleeping' })).toBe(1);
  expect(inWeb('container_cpu_load_average_10s')).toBe(0);
  expect(inWeb('container_sockets')).toBeGreaterThanOrEqual(1);
  expect(containers('container_ulimits_soft', { name: 'ill', ulimit: 'max_open_files' })).toBe(100);
  expect(containers('container_health_state', { name: 'ill' })).toBe(0);
  expect(inWeb('container_health_state')).toBe(-1);
});

const KINDS = { berth_drift: ['bridge', 'cgroup', 'dir', 'process', 'rule', 'shim', 'task', 'veth'], berth_leaked: ['cgroup', 'dir', 'mount', 'process', 'rule', 'veth'] } as const;
/** What does not count 0, as "berth_leaked dir": of two looks in a row. */
async function notAsWished(): Promise<string[]> {
  // Of its own socket: at the port a page is kept for a second.
  for (let look = 0; look < 2; look++) cadvisor = String((await askProcess(engine.settings.runRoot, 'executor', '/metrics')).body);
  return Object.entries(KINDS).flatMap(([name, kinds]) => kinds.filter((kind) => containers(name, { kind }) !== 0).map((kind) => `${name} ${kind}`));
}

test('nothing has leaked, and the host is as the log says', async () => {
  // What ended just now may take its cgroup and link with it in the next moment.
  await vi.waitFor(async () => expect(await notAsWished()).toEqual([]), { timeout: 10_000, interval: 200 });
});

test('what somebody takes away from the engine is drift, what he leaves there has leaked, until it is put right', async () => {
  const { nftTable, bridge, dataRoot, runRoot, cgroupParent } = engine.settings;
  const host = (program: string, ...args: string[]): void => expect(spawnSync(program, args, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  await run(0, 'run', '-d', '--name', 'harmed', '-p', '8080', 'busybox', 'sleep', '1000');
  const id = (await run(0, 'inspect', '-f', '{{.Id}}', 'harmed')).trim();
  const port = (await run(0, 'port', 'harmed', '8080/tcp')).split('\n')[0]?.split(':')[1] ?? '';
  const stray = 'f'.repeat(64);
  const strayLink = `veth-${bridge}`; // the host's links have one name space
  const cgroups = cgroupDirectories(detect(), `${cgroupParent}/${stray}`);
  expect(await notAsWished()).toEqual([]);

  const peer = Number(/^\d+: eth0@if(\d+)/m.exec(await run(0, 'exec', 'harmed', 'ip', 'link'))?.[1]);
  const link = readdirSync(`/sys/class/net/${bridge}/brif`).find((name) => Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8')) === peer) ?? '';
  host('ip', 'link', 'del', link);
  host('ip', 'link', 'add', strayLink, 'master', bridge, 'type', 'veth', 'peer', 'name', `${strayLink}-`);
  host('nft', 'delete', 'element', 'ip', nftTable, 'published', `{ tcp . ${port} }`);
  host('nft', 'add', 'element', 'ip', nftTable, 'published', '{ udp . 53 : 10.9.9.9 . 53 }');
  for (const directory of cgroups) mkdirSync(directory);
  for (const directory of [`${dataRoot}/containers/${stray}`, `${runRoot}/tasks/${stray}-1`]) mkdirSync(directory);
  host('mount', '-t', 'tmpfs', 'tmpfs', `${dataRoot}/containers/${stray}`);
  expect(await notAsWished()).toEqual(['berth_drift rule', 'berth_drift veth', 'berth_leaked cgroup', 'berth_leaked dir', 'berth_leaked mount', 'berth_leaked rule', 'berth_leaked veth']);
  expect(containers('berth_leaked', { kind: 'dir' })).toBe(2);

  host('umount', `${dataRoot}/containers/${stray}`);
  for (const directory of [`${dataRoot}/containers/${stray}`, `${runRoot}/tasks/${stray}-1`, ...cgroups]) rmdirSync(directory);
  host('nft', 'delete', 'element', 'ip', nftTable, 'published', '{ udp . 53 }');
  host('ip', 'link', 'del', strayLink);
  await run(0, 'rm', '-f', 'harmed');
  await vi.waitFor(async () => expect(await notAsWished()).toEqual([]), { timeout: 10_000, interval: 200 });
  expect(readFileSync(`${dataRoot}/logs/executor.log`, 'utf8')).toContain(`"subject":"${id}"`);
});

test('what happened is told as annotations, of the time that was asked for', async () => {
  const port = engine.settings.metricsPort;
  const told = JSON.parse(await scrape(port, `/annotations?from=${Math.floor(before * 1000)}`)) as { readonly title: string; readonly tags: string[] }[];
  expect(told.filter(({ tags }) => tags.includes('oom')).map(({ title }) => title)).toContain('oom ran out of memory');
  expect(told.map(({ title }) => title)).toContain('bad ended with code 7');
  expect(JSON.parse(await scrape(port, `/annotations?to=${Math.floor(before * 1000)}`))).toEqual([]);
  await expect(scrape(port, '/annotations?from=yesterday')).rejects.toThrow('from=yesterday: not a time');
});

test('OpenMetrics names the trace that a start belongs to, where somebody traces', async () => {
  const trace = 'c0ffee'.padEnd(32, '0');
  expect(await startInTrace(engine.socket, 'bad', trace)).toBe(204);
  const page = await scrape(engine.settings.metricsPort, '/metrics', 'application/openmetrics-text; version=1.0.0');
  expect(page).toMatch(new RegExp(`\nberth_command_seconds_bucket\\{type="containers.start",.*\\} \\d+ # \\{trace_id="${trace}"\\} `));
  expect(page).toMatch(new RegExp(`\nberth_container_phase_seconds_bucket\\{phase="exec",.*\\} \\d+ # \\{trace_id="${trace}"\\} `));
  expect(page.endsWith('# EOF\n')).toBe(true);
});

test.runIf(spawnSync('promtool', ['--version']).status === 0)('promtool reads both pages', () => {
  for (const page of [own, cadvisor]) {
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
    // 3: it read all, and does not like some names, which are dockerd's and cAdvisor's.
    expect([0, 3], stderr).toContain(status);
  }
});

test('restarts of the engine set nothing back, and the first scrape goes on from where the folds were', async () => {
  const events = engines('engine_daemon_events_total');
  await engine.down();
  for (const fold of ['state/containers/lifecycle-metrics', 'state/gateway/engine-totals', 'executor/container-facts']) expect(existsSync(join(engine.settings.dataRoot, `${fold}.snapshot`)), fold).toBe(true);
  await engine.up();
  own = await scrape(engine.settings.metricsPort);
  expect(engines('berth_container_exits_total', { name: 'oom', reason: 'oom' })).toBe(1);
  expect(engines('berth_container_starts_total', { name: 'stubborn', cause: 'restart' })).toBe(1);
  expect(engines('engine_daemon_events_total')).toBeGreaterThanOrEqual(events);
  cadvisor = await scrape(engine.settings.metricsPort, '/metrics/cadvisor');
  expect(inWeb('container_spec_memory_limit_bytes')).toBe(64 * MEBIBYTE);
  expect(namesOf(samplesOf(cadvisor), 'container_last_seen')).toContain('fine');
});
