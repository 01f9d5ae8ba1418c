import { constants, fstatSync, openSync } from 'node:fs';
import type { Fd } from '#libs/linux/native.js';

/**
 * Opens for reading the file that an O_PATH descriptor was taken of, whatever has its name by now: to open a device is to do something already (a watchdog counts from then on), and
 * nobody's device rules are asked where the executor opens it. Undefined: it is no plain file. The caller closes both.
 */
export function openFound(found: Fd): Fd | undefined {
  if (!fstatSync(found).isFile()) return undefined;
  return openSync(`/proc/self/fd/${found}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
}
