import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { HostFacts } from '#contracts/executor/host.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { writeWhole } from '#libs/linux/whole-file.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { runtimeNames } from '../runtimes/installed-runtimes.js';
import { maskedPaths } from './masked-paths.js';

const ARCHITECTURES: Record<string, string> = { x64: 'x86_64', arm64: 'aarch64' };

/** By the magic numbers of statfs(2), named as dockerd names them. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = { 0xef53: 'extfs', 0x58465342: 'xfs', 0x9123683e: 'btrfs', 0x1021994: 'tmpfs', 0x794c7630: 'overlayfs', 0x2fc12fc1: 'zfs', 0x6969: 'nfs', 0xf2f52010: 'f2fs' };

/** What /info tells of the machine. */
export function hostFacts(layout: CgroupLayout, settings: EngineSettings, storageDriver: string, hasAppArmor: boolean): HostFacts {
  const os = osRelease();
  return {
    engineId: engineId(settings.dataRoot),
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
    backingFileSystem: FILE_SYSTEMS[statfsSync(settings.dataRoot).type] ?? '<unknown>',
    securityOptions: [...(hasAppArmor ? ['name=apparmor'] : []), 'name=seccomp,profile=builtin', ...(settings.usernsRemap === undefined ? [] : ['name=userns'])],
    runtimes: runtimeNames(),
    dataRoot: settings.dataRoot,
    blockWeight: hasBlockWeight(layout),
    cpuRealtime: hasCpuRealtime(layout),
    memoryNodes: firstLine('/sys/devices/system/node/online') || '0',
    maskedPaths: maskedPaths(),
    bridgeForwarding: true,
    cdiFolders: settings.cdiFolders,
    warnings: [],
  };
}

/** Made up once, and kept beside the data that it names; anew where a power cut left the file empty. */
function engineId(dataRoot: string): string {
  const path = `${dataRoot}/engine-id`;
  if (firstLine(path) === '') writeWhole(path, `${randomUUID()}\n`, { mode: 0o644 });
  return firstLine(path);
}

/** v1: a file of the root cgroup's; v2 has one in each below the root. */
function hasBlockWeight({ mode, controllers, unified = '' }: CgroupLayout): boolean {
  const blkio = controllers.get('blkio');
  if (mode !== 'v2') return blkio !== undefined && existsSync(`${blkio}/blkio.weight`);
  return readdirSync(unified, { withFileTypes: true }).some((entry) => entry.isDirectory() && ['io.weight', 'io.bfq.weight'].some((file) => existsSync(`${unified}/${entry.name}/${file}`)));
}

function hasCpuRealtime({ mode, controllers }: CgroupLayout): boolean {
  const cpu = controllers.get('cpu');
  return mode !== 'v2' && cpu !== undefined && existsSync(`${cpu}/cpu.rt_period_us`);
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
