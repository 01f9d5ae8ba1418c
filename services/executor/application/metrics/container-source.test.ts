import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { HostFacts } from '#contracts/executor/host.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { metricsPage } from '#libs/telemetry/metrics/page.js';
import { type Sample, samplesOf } from '../../../../test/metrics/scrape.js';
import { ContainerSource } from './container-source.js';

test('a cgroup that cannot be read is told of, and takes nothing from the page of the others', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-source-'));
  const layout: CgroupLayout = { mode: 'v2', controllers: new Map([['memory', directory]]), unified: directory };
  const [sound, broken] = ['a'.repeat(64), 'b'.repeat(64)];
  mkdirSync(join(directory, 'berth', sound), { recursive: true });
  writeFileSync(join(directory, 'berth', sound, 'memory.stat'), 'anon 0\n');
  writeFileSync(join(directory, 'berth', sound, 'memory.current'), '4096\n');
  mkdirSync(join(directory, 'berth', broken, 'memory.stat'), { recursive: true }); // EISDIR
  const store = new MemoryEventStore();
  const run = async (id: string): Promise<void> => {
    const at = '2026-01-01T00:00:00.000Z';
    const events: [ContainerEvent, ...ContainerEvent[]] = [
      { type: 'ContainerCreated', container: id, name: `service-${id[0]}`, config: { Image: 'x' }, hostConfig: {}, imageId: 'sha256:0', imageRef: 'x', layers: [], path: '/x', args: [], mounts: [], at },
      { type: 'StartRequested', container: id, start: 1, reason: 'api', at },
      { type: 'ContainerStarted', container: id, start: 1, pid: 1, at },
    ];
    await store.append(`berth.event.container.${id}`, noHead, events, { actor: 'test', correlationId: 'test', causationId: 'test' });
  };
  const facts = (): HostFacts => ({ kernelVersion: '', operatingSystem: '', osVersion: '', architecture: '', hostname: '', cpus: 1, memoryBytes: 1, cgroupVersion: '2', cgroupDriver: '', storageDriver: '', securityOptions: [], runtimes: [], dataRoot: '', engineId: '', backingFileSystem: '', blockWeight: false, cpuRealtime: false, memoryNodes: '0', maskedPaths: [], bridgeForwarding: true, cdiFolders: [], warnings: [] });
  const source = new ContainerSource(store, { layout, cgroupParent: '/berth', bridge: 'none', dataRoot: directory, facts, shownLabels: [], lastSeenSeconds: 120, lookSeconds: 3600, written: async () => 0, linkCounters: () => [] });
  const scrape = async (): Promise<readonly Sample[]> => samplesOf(String((await metricsPage([(out) => source.write(out)], undefined)).body));
  const errors = (samples: readonly Sample[]): unknown => samples.find(({ name }) => name === 'container_scrape_error')?.value;
  await run(sound);
  expect(errors(await scrape())).toBe(0);
  await run(broken);
  const samples = await scrape();
  expect(errors(samples)).toBe(1);
  expect(samples.filter(({ name, labels }) => name === 'container_memory_usage_bytes' && labels['name'] === 'service-a')).toMatchObject([{ value: 4096 }]);
  await source.stop();
  rmSync(directory, { recursive: true });
});
