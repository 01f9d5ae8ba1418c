import { readdirSync, readFileSync } from 'node:fs';
import { applyWrites } from '#libs/cgroup/apply-writes.js';
import { freeze, thaw } from '#libs/cgroup/freezer.js';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { type CgroupResources, updateWrites } from '#libs/cgroup/limits.js';
import { processesOf } from '#libs/cgroup/processes.js';
import { endCgroups } from '#libs/cgroup/removal.js';

/** The cgroups of this engine's containers: `<parent>/<container>` in every hierarchy. */
export class ContainerCgroups {
  constructor(
    private readonly layout: CgroupLayout,
    private readonly parent: string,
  ) {}

  directories(container: string): readonly string[] {
    return cgroupDirectories(this.layout, `${this.parent}/${container}`);
  }

  /** Resolves when none of its processes runs; rejects, and they run on, when they do not all stop in time. */
  freeze(container: string): Promise<void> {
    return freeze(this.layout, `${this.parent}/${container}`);
  }

  thaw(container: string): void {
    thaw(this.layout, `${this.parent}/${container}`);
  }

  /** Changes limits under running processes; all or none. */
  update(container: string, resources: CgroupResources): void {
    applyWrites(updateWrites(this.layout, this.directories(container), resources, (path) => readFileSync(path, 'latin1')));
  }

  /** Its processes, those that it put into cgroups below its own included. */
  processes(container: string): readonly number[] {
    return processesOf(this.directories(container)[0] ?? '');
  }

  /** Ends every process that is in them, however it got there, and removes them. */
  end(container: string): Promise<void> {
    return endCgroups(this.directories(container));
  }

  /** Containers that have any. */
  all(): Set<string> {
    const found = new Set<string>();
    for (const directory of cgroupDirectories(this.layout, this.parent)) for (const name of namesIn(directory)) found.add(name);
    return found;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return []; // a hierarchy that no container was in yet
  }
}
