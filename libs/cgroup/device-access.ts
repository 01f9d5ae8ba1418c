import type { DeviceRule } from './limits.js';

/** What a list of device rules comes to: one answer for all devices, and those for which the other one holds. */
export interface DeviceAccess {
  readonly allowedByDefault: boolean;
  readonly exceptions: readonly DeviceException[];
}

export interface DeviceException {
  readonly type: 'b' | 'c';
  /** -1: all. */
  readonly major: number;
  readonly minor: number;
  /** Of MKNOD, READ and WRITE. */
  readonly access: number;
}

/** BPF_DEVCG_ACC_* (linux/bpf.h) */
export const MKNOD = 1;
export const READ = 2;
export const WRITE = 4;

/**
 * The rules in their order, as the files devices.allow and devices.deny of v1 would take them (kernel: admin-guide/cgroup-v1/devices, security/device_cgroup.c), so
 * that one list means the same on v1 and v2: "a" forgets what was before; a rule that says what holds anyway takes its access from an exception for the
 * very same device, and any other is an exception more. Nothing is said of devices: all are allowed.
 */
export function deviceAccess(rules: readonly DeviceRule[]): DeviceAccess {
  let allowedByDefault = true;
  let exceptions: readonly DeviceException[] = [];
  for (const { allow, type, major, minor, access } of rules) {
    if (type === 'a') {
      allowedByDefault = allow;
      exceptions = [];
      continue;
    }
    const device = { type, major, minor };
    const known = exceptions.find((one) => isSame(one, device))?.access ?? 0;
    const bits = allow === allowedByDefault ? known & ~accessBits(access) : known | accessBits(access);
    const others = exceptions.filter((one) => !isSame(one, device));
    exceptions = bits === 0 ? others : [...others, { ...device, access: bits }];
  }
  return { allowedByDefault, exceptions };
}

type Device = Pick<DeviceException, 'type' | 'major' | 'minor'>;
const isSame = (one: Device, other: Device): boolean => one.type === other.type && one.major === other.major && one.minor === other.minor;

const accessBits = (access: string): number => (access.includes('m') ? MKNOD : 0) | (access.includes('r') ? READ : 0) | (access.includes('w') ? WRITE : 0);
