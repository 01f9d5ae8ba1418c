import { existsSync, readdirSync } from 'node:fs';
import { MASKED_PATHS } from '#contracts/executor/hidden-paths.js';

const PROCESSORS = '/sys/devices/system/cpu';

/** And the thermal counters of this host's processors, which tell of what others compute. */
export function maskedPaths(): readonly string[] {
  const counters = readdirSync(PROCESSORS).filter((name) => /^cpu\d+$/.test(name)).map((name) => `${PROCESSORS}/${name}/thermal_throttle`);
  return [...MASKED_PATHS, ...counters.filter((path) => existsSync(path))];
}
