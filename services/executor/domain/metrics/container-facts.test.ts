import { expect, test } from 'vitest';
import type { HostConfig } from '#contracts/containers/container-config.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { type ContainerFacts, ContainerFold, type FrozenFacts } from './container-facts.js';
import { type Scraped, seenFromWithin, writeContainers } from './container-series.js';
import { loadAfter } from './processes-seen.js';

const at = '2026-01-01T00:00:00.000Z';
const created = (hostConfig: HostConfig = {}, labels: Record<string, string> = {}): ContainerEvent => ({
  type: 'ContainerCreated', container: 'c1', name: 'web', config: { Image: 'nginx:1', Labels: labels }, hostConfig, imageId: '', imageRef: 'docker.io/library/nginx:1', layers: [], path: '', args: [], mounts: [], at,
});
const folded = (...events: ContainerEvent[]): ContainerFacts | undefined => {
  const empty = (): ContainerFold => new ContainerFold('/docker', ['com.docker.compose.project']);
  let fold = empty();
  for (const event of events) {
    fold.evolve(event);
    // What was put away at any moment goes on as if it had not been.
    const again = empty().thaw(JSON.parse(JSON.stringify(fold.freeze())) as FrozenFacts);
    expect(again).toStrictEqual(fold);
    fold = again;
  }
  return fold.containers.get('c1');
};

test('labels of a container are those that the list allows, in letters that Prometheus allows', () => {
  expect(folded(created({}, { 'com.docker.compose.project': 'shop', secret: 'x' }))?.labels).toBe('id="/docker/c1",name="web",image="nginx:1",container="web",container_label_com_docker_compose_project="shop"');
});

test('labels that were edited are shown from then on, under the name of then, and those that were taken away no more', () => {
  const project = 'com.docker.compose.project';
  const edited = (Labels: Record<string, string>): ContainerEvent => ({ type: 'ContainerEdited', container: 'c1', version: 2, parts: ['labels'], pending: [], config: { Image: 'nginx:1', Labels }, hostConfig: {}, path: '', args: [], mounts: [], at });
  const renamed: ContainerEvent = { type: 'ContainerRenamed', container: 'c1', name: 'till', oldName: 'web', at };
  const history = [created({}, { [project]: 'shop' }), renamed, edited({ [project]: 'store' })];
  expect(folded(...history)?.labels).toBe('id="/docker/c1",name="till",image="nginx:1",container="till",container_label_com_docker_compose_project="store"');
  expect(folded(...history, edited({}))?.labels).toBe('id="/docker/c1",name="till",image="nginx:1",container="till"');
});

test('a new name is the name from then on', () => {
  expect(folded(created(), { type: 'ContainerRenamed', container: 'c1', name: 'shop', oldName: 'web', at })?.labels).toContain('name="shop",image="nginx:1",container="shop"');
});

test('limits are told as cAdvisor tells them', () => {
  expect(folded(created())?.limits).toEqual({ cpuShares: 1024, cpuPeriod: 100_000, cpuQuota: undefined, memoryReservationBytes: 0, memorySwapBytes: 0 });
  expect(folded(created({ NanoCpus: 1.5e9, Memory: 100, CpuShares: 5 }))?.limits).toEqual({ cpuShares: 5, cpuPeriod: 100_000, cpuQuota: 150_000, memoryReservationBytes: 0, memorySwapBytes: 200 });
  expect(folded(created({ Memory: 100, MemorySwap: -1 }))?.limits.memorySwapBytes).toBe(0);
});

test('a removed container is forgotten', () => expect(folded(created(), { type: 'ContainerRemoved', container: 'c1', at })).toBeUndefined());

const facts = folded(created());
const traffic = (bytes: number) => ({ bytes, packets: 0, errors: 0, dropped: 0 });
const page = (one: Partial<Scraped>): string => {
  const out = new Exposition();
  const scraped: Scraped = { labels: 'name="web"', usage: {}, interfaces: [], startedAt: 0, ...(facts ? { facts } : {}), ...one };
  writeContainers([scraped], { deviceName: (device) => `/dev/${device}`, fileSystem: { device: '/dev/sda', bytes: 1, inodes: 2, freeInodes: 3 } }, out);
  return String(out.bytes());
};

test('a load of runnable threads is damped over ten seconds, and told in thousandths', () => {
  const first = loadAfter(undefined, 2, 100);
  expect(first).toEqual({ average: 2, at: 100 });
  expect(loadAfter(first, 0, 110).average).toBeCloseTo(2 / Math.E);
  expect(loadAfter(first, 4, 110).average).toBeCloseTo(4 - 2 / Math.E);
  expect(loadAfter(first, 1, 100 + 3600).average).toBeCloseTo(1);
  const processes = { processes: 1, states: { running: 0, sleeping: 1, stopped: 0, uninterruptible: 0 }, load: { average: 0.7359, at: 0 } };
  expect(page({ processes })).toContain('container_cpu_load_average_10s{name="web"} 735\n');
});

test('what the host sent into a veth pair, the container received', () => {
  const link = { name: 'veth1', index: 1, master: 2, received: traffic(10), sent: traffic(20) };
  const text = page({ interfaces: [seenFromWithin('eth0', link)] });
  expect(text).toContain('container_network_receive_bytes_total{name="web",interface="eth0"} 20\n');
  expect(text).toContain('container_network_transmit_bytes_total{name="web",interface="eth0"} 10\n');
});

test('v1 and v2 tell of the same memory by different names', () => {
  const v1 = page({ usage: { memory: { usageBytes: 100, limitBytes: Infinity, stat: { rss: 1, total_rss: 30, inactive_file: 1, total_inactive_file: 40, pgfault: 1, total_pgfault: 5 } } } });
  const v2 = page({ usage: { memory: { usageBytes: 100, limitBytes: Infinity, stat: { anon: 30, file: 60, inactive_file: 40, pgfault: 5 } } } });
  for (const text of [v1, v2]) {
    expect(text).toContain('container_memory_rss{name="web"} 30\n');
    expect(text).toContain('container_memory_working_set_bytes{name="web"} 60\n');
    expect(text).toContain('container_memory_failures_total{name="web",failure_type="pgfault",scope="hierarchy"} 5\n');
    expect(text).toContain('container_spec_memory_limit_bytes{name="web"} 0\n');
  }
});

test('a cgroup that is gone leaves the series of what the log knows', () => {
  const text = page({});
  expect(text).not.toContain('container_memory_usage_bytes');
  expect(text).toContain('container_spec_cpu_shares{name="web"} 1024\n');
});

test('disks are told by device', () => {
  const text = page({ usage: { disks: [{ device: '8:0', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }] } });
  expect(text).toContain('container_fs_writes_bytes_total{name="web",device="/dev/8:0"} 2\n');
  expect(text).toContain('container_blkio_device_usage_total{name="web",device="/dev/8:0",major="8",minor="0",operation="Read"} 1\n');
});
