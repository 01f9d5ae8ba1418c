import { readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import type { LayerFileSystem } from '../../domain/metrics/container-series.js';

export interface MachineSize {
  readonly cores: number;
  readonly physicalCores: number;
  readonly sockets: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
}

/** USER_HZ is 100 on all that Linux is built for. */
const NANOSECONDS_PER_TICK = 1e7;

/** proc_cpuinfo(5), proc_meminfo(5). Virtual machines may tell of no sockets: then it is one, and each processor is a core. */
export function machineSize(): MachineSize {
  const processors = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n');
  const fieldOf = (processor: string, name: string): string => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(processor)?.[1] ?? '';
  const sockets = new Set(processors.map((one) => fieldOf(one, 'physical id')).filter((socket) => socket !== ''));
  const physical = new Set(processors.map((one) => `${fieldOf(one, 'physical id')} ${fieldOf(one, 'core id')}`).filter((core) => !core.endsWith(' ')));
  const swapKib = /^SwapTotal:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? '0';
  return { cores: cpus().length, physicalCores: physical.size || cpus().length, sockets: sockets.size || 1, memoryBytes: totalmem(), swapBytes: Number(swapKib) * 1024 };
}

/** When the kernel started, seconds since 1970: proc_stat(5). */
export const bootTime = (): number => Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0);

/** What all processors together have spent since the machine started, in user and system mode, idle, waiting and serving interrupts: proc_stat(5). */
export function machineNanoseconds(): number {
  const [, ...counts] = (/^cpu .*$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[0] ?? '').split(/ +/);
  return counts.slice(0, 7).reduce((sum, ticks) => sum + Number(ticks), 0) * NANOSECONDS_PER_TICK;
}

/** Names of block devices ("8:0" is "/dev/sda"), each asked once; a device without a name is its number. */
export class BlockDevices {
  private readonly names = new Map<string, string>();

  readonly name = (device: string): string => {
    const known = this.names.get(device);
    if (known !== undefined) return known;
    const name = blockDeviceName(device);
    this.names.set(device, name);
    return name;
  };
}

function blockDeviceName(device: string): string {
  try {
    return `/dev/${basename(readlinkSync(`/sys/dev/block/${device}`))}`;
  } catch {
    return device; // a file system without a device, such as an overlay or btrfs
  }
}

export function layerFileSystem(dataRoot: string, devices: BlockDevices): LayerFileSystem {
  const { blocks, bsize, files, ffree } = statfsSync(dataRoot);
  const { dev } = statSync(dataRoot);
  // makedev(3), as the kernel packs it for 32-bit numbers.
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return { device: devices.name(`${major}:${minor}`), bytes: blocks * bsize, inodes: files, freeInodes: ffree };
}
