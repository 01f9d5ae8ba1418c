import { closeSync, constants, openSync, readdirSync, statSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import type { BlockThrottle, TaskDevice } from '#contracts/executor/tasks.js';
import type { DeviceThrottle } from '#libs/cgroup/limits.js';
import { unclassified } from '#libs/errors/errors.js';
import { O_PATH, openat2, RESOLVE_BENEATH } from '#libs/linux/directory-entries.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import type { CdiNode } from '../../domain/cdi/cdi-spec.js';
import type { AskedDevice } from '../../domain/spec/devices.js';
import type { Device } from '../../domain/spec/runtime-spec.js';
import type { TreeThreads } from '../trees/tree-threads.js';
import type { CdiFiles } from './cdi-files.js';

/** Below /dev, but file systems of the container's own, or of no use outside the host's session. */
const NOT_DEVICES = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.udev', '.lxc', '.lxd-mounts']);
const DEEPEST = 8;

/** Devices that clients, or files of vendors, name by paths of the host's. What is not in /dev may lie where nobody answers, and is looked at by threads of its own; so are such files. */
export class HostDevices {
  /** `apart`: such threads, by what they look at. */
  constructor(private readonly apart: { of(path: string): Pick<TreeThreads, 'run'> }) {}

  async asked(asked: readonly TaskDevice[]): Promise<readonly AskedDevice[]> {
    const elsewhere = asked.map(({ source }) => source).find(isElsewhere);
    return elsewhere === undefined ? askedDevices(asked) : await this.apart.of(elsewhere).run('askedDevices', asked);
  }

  async throttled(throttles: readonly BlockThrottle[]): Promise<readonly DeviceThrottle[]> {
    const elsewhere = throttles.map(({ path }) => path).find(isElsewhere);
    return elsewhere === undefined ? throttledDevices(throttles) : await this.apart.of(elsewhere).run('throttledDevices', throttles);
  }

  async named(nodes: readonly CdiNode[]): Promise<readonly AskedDevice[]> {
    const elsewhere = nodes.map(({ hostPath }) => hostPath).find(isElsewhere);
    return elsewhere === undefined ? namedDevices(nodes) : await this.apart.of(elsewhere).run('namedDevices', nodes);
  }

  /** As `cdiFiles`. */
  cdi(folders: readonly string[]): Promise<CdiFiles> {
    return this.apart.of(folders.join(':')).run('cdiFiles', folders);
  }
}

/** Also where a symlink in /dev leads out of it, as one may in /dev/shm, which is everybody's. */
function isElsewhere(path: string): boolean {
  const [, within] = /^\/dev\/(.+)$/.exec(posix.normalize(path)) ?? [];
  if (within === undefined) return true;
  const directory = openSync('/dev', O_PATH | constants.O_DIRECTORY);
  try {
    closeSync(openat2(directory, within, O_PATH, 0, RESOLVE_BENEATH));
    return false;
  } catch (error) {
    return !isErrno(error, 'ENOENT');
  } finally {
    closeSync(directory);
  }
}

/** All device nodes of the host, as a privileged container has them. What vanishes meanwhile is left out. */
export function hostDevices(directory = '/dev', depth = 0): readonly Device[] {
  if (depth > DEEPEST) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry): readonly Device[] => {
    if (NOT_DEVICES.has(entry.name)) return [];
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return hostDevices(path, depth + 1);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? deviceAt(path) : [];
  });
}

/** The nodes that `--device` asked for: one, or all below a directory. Rejects in dockerd's words what is not there or is no device. */
export function askedDevices(asked: readonly TaskDevice[]): readonly AskedDevice[] {
  return asked.flatMap(({ source, target, access }) => {
    const wrong = (why: string): Error => unclassified(`error gathering device information while adding custom device "${source}": ${why}`);
    const facts = statSync(source, { throwIfNoEntry: false });
    if (!facts) throw wrong('no such file or directory');
    const at = posix.normalize(`/${target}`);
    const devices = facts.isDirectory() ? hostDevices(source).map((device) => ({ ...device, path: join(at, relative(source, device.path)) })) : deviceAt(source).map((device) => ({ ...device, path: at }));
    if (devices.length === 0) throw wrong('not a device node');
    return devices.map((device) => ({ device, access }));
  });
}

/** The nodes that a vendor's file names, as the host has them but for what the file says. Rejects what is none. */
export function namedDevices(nodes: readonly CdiNode[]): readonly AskedDevice[] {
  return nodes.map(({ path, hostPath, permissions, fileMode, uid, gid }) => {
    const [device] = deviceAt(hostPath);
    if (!device) throw unclassified(`CDI device injection failed: failed to stat CDI host device "${hostPath}": ${statSync(hostPath, { throwIfNoEntry: false }) ? 'not a device node' : 'no such file or directory'}`);
    return { device: { ...device, path, ...(fileMode === undefined ? {} : { fileMode }), ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) }, access: permissions };
  });
}

/** Throttles by device number. Rejects what is no block device. */
export function throttledDevices(throttles: readonly BlockThrottle[]): readonly DeviceThrottle[] {
  return throttles.map(({ path, limits, rate }) => {
    const [device] = deviceAt(path);
    if (!device) throw unclassified(statSync(path, { throwIfNoEntry: false }) ? `${path}: not a block device` : `stat ${path}: no such file or directory`);
    return { major: device.major, minor: device.minor, limits, rate };
  });
}

function deviceAt(path: string): readonly Device[] {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts || !(facts.isCharacterDevice() || facts.isBlockDevice())) return [];
  const { rdev, mode, uid, gid } = facts;
  // makedev(3): the kernel's own numbers have 12 and 20 bits.
  return [{ path, type: facts.isBlockDevice() ? 'b' : 'c', major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00), fileMode: mode & 0o777, uid, gid }];
}
