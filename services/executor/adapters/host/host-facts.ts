import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { HostFacts } from '#contracts/executor/host.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { runtimeNames } from '../runtimes/installed-runtimes.js';

const ARCHITECTURES: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64' };

/** What /info tells of the machine. */
export function hostFacts(layout: CgroupLayout, settings: EngineSettings, storageDriver: string): HostFacts {
  const os = osRelease();
  return {
    kernelVersion: release(),
    operatingSystem: os['PRETTY_NAME'] ?? 'Linux',
    osVersion: os['VERSION_ID'] ?? '',
    architecture: ARCHITECTURES[arch()] ?? arch(),
    hostname: hostname(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    cgroupVersion: layout.mode === 'v2' ? '2' : '1',
    cgroupDriver: 'cgroupfs',
    storageDriver,
    securityOptions: ['name=seccomp,profile=builtin'],
    runtimes: runtimeNames(),
    dataRoot: settings.dataRoot,
    blockWeight: hasBlockWeight(layout),
    memoryNodes: firstLine('/sys/devices/system/node/online') || '0',
    bridgeForwarding: true,
    warnings: [],
  };
}

/** v1: a file of the root cgroup's; v2 has one in each below the root. */
function hasBlockWeight({ mode, controllers, unified = '' }: CgroupLayout): boolean {
  const blkio = controllers.get('blkio');
  if (mode !== 'v2') return blkio !== undefined && existsSync(`${blkio}/blkio.weight`);
  return readdirSync(unified, { withFileTypes: true }).some((entry) => entry.isDirectory() && ['io.weight', 'io.bfq.weight'].some((file) => existsSync(`${unified}/${entry.name}/${file}`)));
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function osRelease(): Record<string, string> {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
    return Object.fromEntries(lines.flatMap((line) => [...line.matchAll(/^([A-Z_]+)="?(.*?)"?$/g)].map(([, key = '', value = '']) => [key, value])));
  } catch {
    return {};
  }
}
