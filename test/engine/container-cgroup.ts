import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestEngine } from './engine.js';
import { parentCgroups } from './leaks.js';

/** What a file of a container's cgroup says, without its newline. `names`: as v1 and as v2 call it; the first that is there. `container`: its name. */
export async function cgroupFile(engine: TestEngine, container: string, ...names: readonly string[]): Promise<string> {
  const { stdout } = await engine.docker(['inspect', '-f', '{{.Id}}', container]);
  const places = parentCgroups(engine.settings.cgroupParent).flatMap((parent) => names.map((name) => join(parent, stdout.trim(), name)));
  const path = places.find((place) => existsSync(place));
  if (path === undefined) throw new Error(`${container} has no ${names.join(' or ')} among ${places.join(' ')}`);
  return readFileSync(path, 'utf8').trim();
}
