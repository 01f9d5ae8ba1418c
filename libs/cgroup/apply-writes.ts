import { readFileSync, writeFileSync } from 'node:fs';
import { errorMessage, internal } from '#libs/errors/errors.js';
import type { CgroupWrite } from './limits.js';

/** Does all of them, or none: what was there is written back when the kernel refuses one. Throws internal with the kernel's word. */
export function applyWrites(writes: readonly CgroupWrite[]): void {
  const done: { readonly path: string; readonly before: string }[] = [];
  for (const { path, data, optional } of writes) {
    try {
      const before = readFileSync(path, 'latin1').trim();
      writeFileSync(path, data);
      done.push({ path, before });
    } catch (error) {
      if (optional) continue;
      for (const { path: changed, before } of done.reverse()) writeFileSync(changed, before || '\n'); // nothing at all is no write(2): v2's empty cpuset.cpus
      throw internal(`failed to write ${data} to ${path}: ${errorMessage(error)}`, error);
    }
  }
}
