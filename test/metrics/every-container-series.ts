import { Exposition, labelText } from '#libs/telemetry/metrics/exposition.js';
import { ContainerFold } from '../../services/executor/domain/metrics/container-facts.js';
import { writeContainers } from '../../services/executor/domain/metrics/container-series.js';

/** A page with each series that a container can have on any machine: no kernel has those of both kinds of cgroups, and no disk is busy by order. */
export function everyContainerSeries(): string {
  const fold = new ContainerFold('/docker', []);
  fold.evolve({ type: 'ContainerCreated', container: 'c', name: 'c', config: {}, hostConfig: { NanoCpus: 1e9 }, imageId: '', imageRef: '', layers: [], path: '', args: [], mounts: [], at: '2026-01-01T00:00:00.000Z' });
  const facts = fold.containers.get('c');
  if (facts === undefined) throw new Error('a created container is not there');
  const traffic = { bytes: 0, packets: 0, errors: 0, dropped: 0 };
  const waited = { waitingSeconds: 0, stalledSeconds: 0 };
  const names = ['anon', 'file', 'file_mapped', 'active_file', 'inactive_file', 'pgfault', 'pgmajfault'];
  const out = new Exposition();
  const one = {
    labels: labelText({ id: '', name: '', image: '', container: '' }),
    usage: {
      cpu: { totalNanoseconds: 0, userNanoseconds: 0, systemNanoseconds: 0, periods: 0, throttledPeriods: 0, throttledNanoseconds: 0, bursts: { periods: 0, nanoseconds: 0 } },
      memory: { usageBytes: 0, maxUsageBytes: 0, limitBytes: 0, stat: Object.fromEntries(names.map((name) => [name, 0])), swapBytes: 0, kernelBytes: 0, limitHits: 0, oomKills: 0, events: { high: 0, max: 0, oom: 0 } },
      pids: { current: 0, limit: 0 },
      disks: [{ device: '8:0', readBytes: 0, writeBytes: 0, reads: 0, writes: 0 }],
      pressure: { cpu: waited, memory: waited, io: waited },
    },
    interfaces: [{ name: 'eth0', received: traffic, sent: traffic }],
    facts,
    startedAt: 0,
    processes: { processes: 1, states: { running: 0, sleeping: 1, stopped: 0, uninterruptible: 0 }, descriptors: 3, openFilesLimit: 1024, sockets: 1, load: { average: 0, at: 0 } },
    writtenBytes: 0,
  };
  writeContainers([one], { deviceName: () => '/dev/sda', fileSystem: { device: '/dev/sda', bytes: 0, inodes: 0, freeInodes: 0 } }, out);
  return String(out.bytes());
}
