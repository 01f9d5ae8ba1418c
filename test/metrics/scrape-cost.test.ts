import { closeSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { cgroupDirectories, detect } from '#libs/cgroup/layout.js';
import { ensureParent } from '#libs/cgroup/parent.js';
import { noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { newNetworkNamespace } from '#libs/linux/network-namespace.js';
import { addVeth } from '#libs/netlink/route.js';
import { type MetricsSource, metricsPage } from '#libs/telemetry/metrics/page.js';
import { RouteSocket } from '../../services/executor/adapters/network/route-socket.js';
import { LifecycleSource } from '../../services/containers/application/lifecycle/lifecycle-source.js';
import { ContainerSource } from '../../services/executor/application/metrics/container-source.js';
import { hostLinkName } from '../../services/executor/domain/host-link-name.js';
import { type Sample, samplesOf } from './scrape.js';

const CONTAINERS = 500;
const ROUNDS = 15;
/** The goal: work of one scrape, in milliseconds of CPU. */
const GOAL_MS = 100;
/** What `reference` costs on a machine of two cores that does nothing else: the goal is such a machine's, and a busy one takes twice as long for everything. */
const REFERENCE_MS = 20;

const layout = detect();
const parent = `/berth-scrape-${process.pid}`;
const ids = Array.from({ length: CONTAINERS }, (_, index) => createHash('sha256').update(String(index)).digest('hex'));
const directories = ids.flatMap((id) => cgroupDirectories(layout, `${parent}/${id}`));
const store = new MemoryEventStore();
let namespace: number;
let source: ContainerSource;
const lifecycle = new LifecycleSource(store, '/nowhere/lifecycle.snapshot', { measured: new Map() });

/** Real cgroups, since the kernel's part of the work is the larger one; without a process, and with links of a network namespace that goes with the test. */
beforeAll(async () => {
  ensureParent(layout, parent);
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  namespace = newNetworkNamespace();
  using routes = new RouteSocket(namespace);
  for (const [index, id] of ids.entries()) {
    const endpoint = endpointOf(id);
    if (index % 2 === 0) routes.send(addVeth({ name: hostLinkName(endpoint.endpointId) }, { name: hostLinkName(endpointOf(ids[index + 1] ?? '').endpointId) }));
    const at = '2026-01-01T00:00:00.000Z';
    const events: [ContainerEvent, ...ContainerEvent[]] = [
      { type: 'ContainerCreated', container: id, name: `service-${index}`, config: { Image: 'registry.example/team/service:1.2.3' }, hostConfig: {}, imageId: 'sha256:0', imageRef: 'x', layers: [], path: '/x', args: [], mounts: [], at },
      { type: 'StartRequested', container: id, start: 1, reason: 'api', at },
      { type: 'ContainerStarted', container: id, start: 1, pid: 1, endpoint, at },
    ];
    await store.append(`berth.event.container.${id}`, noHead, events, { actor: 'test', correlationId: 'test', causationId: 'test' });
  }
  source = new ContainerSource(store, {
    layout,
    cgroupParent: parent,
    bridge: 'none',
    dataRoot: '/var',
    facts: () => ({ kernelVersion: '', operatingSystem: '', osVersion: '', architecture: '', hostname: '', cpus: 1, memoryBytes: 1, cgroupVersion: '1', cgroupDriver: '', storageDriver: '', securityOptions: [], runtimes: [], dataRoot: '', engineId: '', backingFileSystem: '', blockWeight: false, cpuRealtime: false, memoryNodes: '0', maskedPaths: [], bridgeForwarding: true, cdiFolders: [], warnings: [] }),
    shownLabels: [],
    lastSeenSeconds: 120,
    lookSeconds: 3600,
    written: async () => 0,
    linkCounters: () => {
      using links = new RouteSocket(namespace);
      return links.counters();
    },
  });
});

afterAll(async () => {
  await source.stop();
  await lifecycle.stop();
  closeSync(namespace);
  for (const directory of [...directories, ...cgroupDirectories(layout, parent)]) rmdirSync(directory);
});

const endpointOf = (id: string) => ({ network: 'bridge', networkId: 'n', endpointId: `${id}-1`, bridge: 'none', address: '10.0.0.2', prefixLength: 24, gateway: '10.0.0.1', mac: '02:00:00:00:00:01', mtu: 1500, ports: [] });

/** Work like a scrape's: small files of the kernel, and text. Milliseconds of CPU. */
function reference(): number {
  const before = process.cpuUsage();
  let page = '';
  for (let line = 0; line < 1_000; line++) page += `${readFileSync('/proc/self/stat', 'latin1').split(' ').map(Number).join(' ')}\n`;
  Buffer.from(page);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const median = (values: readonly number[]): number => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

/** The samples of the last of some scrapes, and what the others cost, on a machine that does nothing else. */
async function scrapes(what: string, metrics: MetricsSource): Promise<{ readonly samples: readonly Sample[]; readonly medianMs: number }> {
  const costs: number[] = [];
  const references: number[] = [];
  const sources = [metrics];
  let page: Buffer = Buffer.alloc(0);
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    page = (await metricsPage(sources, undefined)).body;
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1000);
    references.push(reference());
  }
  const samples = samplesOf(String(page));
  const [first = 0] = costs;
  const [measuredMs, referenceMs] = [median(costs.slice(1)), median(references.slice(1))];
  const medianMs = (measuredMs * REFERENCE_MS) / referenceMs;
  console.log(`${what} of ${CONTAINERS} containers: ${measuredMs.toFixed(1)} ms of CPU (median of ${ROUNDS - 1}), the first one ${first.toFixed(1)} ms; the reference ${referenceMs.toFixed(1)} ms; ${samples.length} series, ${(page.length / 1e6).toFixed(1)} MB`);
  return { samples, medianMs };
}

test(`a scrape of what ${CONTAINERS} containers use costs less than ${GOAL_MS} ms of work`, async () => {
  const { samples, medianMs } = await scrapes("cAdvisor's series", (out) => source.write(out));
  expect(samples.filter(({ name }) => name === 'container_memory_usage_bytes')).toHaveLength(CONTAINERS + 1);
  expect(samples.filter(({ name, labels }) => name === 'container_network_receive_bytes_total' && labels['id'] !== '/')).toHaveLength(CONTAINERS);
  expect(medianMs).toBeLessThan(GOAL_MS);
});

test(`a scrape of what ${CONTAINERS} containers went through costs less than ${GOAL_MS} ms of work`, async () => {
  const { samples, medianMs } = await scrapes("Berth's series", (out) => lifecycle.write(out));
  expect(samples.filter(({ name, value }) => name === 'berth_container_state' && value === 1)).toHaveLength(CONTAINERS);
  expect(medianMs).toBeLessThan(GOAL_MS);
});
