import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whatever the kernel's own defaults are: who reads an upper directory by itself, to see what a container changed, finds there whole files and directories (dockerd
 * compares whole trees instead where it might not), and no index of an earlier mount is in a later one's way.
 * Only where all earlier mounts had them: with them, what was not whole before cannot be read.
 */
const OFF = ['redirect_dir', 'metacopy', 'index'];

/** Mount options for an overlay with a new upper directory. Those that the kernel knows, which it shows once its overlay has been used. */
export function overlayOptions(parameters = '/sys/module/overlay/parameters'): string {
  return OFF.filter((name) => existsSync(join(parameters, name))).map((name) => `${name}=off`).join(',');
}
