import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../../domain/spec/runtime-spec.js';

/** Below /dev, but file systems of the container's own, or of no use outside the host's session. */
const NOT_DEVICES = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.udev', '.lxc', '.lxd-mounts']);
const DEEPEST = 8;

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

function deviceAt(path: string): readonly Device[] {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts || !(facts.isCharacterDevice() || facts.isBlockDevice())) return [];
  const { rdev, mode, uid, gid } = facts;
  // makedev(3): the kernel's own numbers have 12 and 20 bits.
  return [{ path, type: facts.isBlockDevice() ? 'b' : 'c', major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00), fileMode: mode & 0o777, uid, gid }];
}
