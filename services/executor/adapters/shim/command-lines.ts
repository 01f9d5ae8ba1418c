import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of all processes, NUL after each argument; of those in a pid namespace of their own "", since a container's may say that they are anybody. */
export function commandLines(): (readonly [pid: number, line: string])[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => [Number(pid), commandLine(pid)]);
}

/** Empty when it has ended, waited for or not, and where it is none of the host's. */
export function commandLine(pid: string | number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === readlinkSync('/proc/self/ns/pid') ? readFileSync(`/proc/${pid}/cmdline`, 'latin1') : '';
  } catch {
    return '';
  }
}

/** Another user of the host may call his own processes what he likes. */
export function isRoots(pid: number): boolean {
  try {
    return /^Uid:\t0\t0\t/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** How that of a shim begins once it listens. */
export const lineOfShim = (taskDirectory: string): string => `berth-shim\0${taskDirectory}\0`;
