import { readdirSync, readFileSync } from 'node:fs';

/** Of all processes, NUL after each argument. */
export function commandLines(): (readonly [pid: number, line: string])[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => [Number(pid), commandLine(pid)]);
}

/** Empty when it has ended, waited for or not. */
export function commandLine(pid: string | number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** How that of a shim begins once it listens. */
export const lineOfShim = (taskDirectory: string): string => `berth-shim\0${taskDirectory}\0`;
