import { readdirSync, readFileSync } from 'node:fs';
import { applyWrites } from '#libs/cgroup/apply-writes.js';
import { freeze, thaw } from '#libs/cgroup/freezer.js';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { type CgroupResources, updateWrites } from '#libs/cgroup/limits.js';
import { processesOf } from '#libs/cgroup/processes.js';
import { endCgroups, killCgroups } from '#libs/cgroup/removal.js';

/** A container, and the cgroup that its own is in, where that is not the engine's. */
export interface CgroupPlace {
  readonly container: string;
  readonly cgroupParent?: string | undefined;
}

/** The cgroups of this engine's containers: `<parent>/<container>` in every hierarchy. */
export class ContainerCgroups {
  constructor(
    private readonly layout: CgroupLayout,
    private readonly parent: string,
  ) {}

  path({ container, cgroupParent = this.parent }: CgroupPlace): string {
    return `${cgroupParent}/${container}`;
  }

  directories(container: CgroupPlace): readonly string[] {
    return cgroupDirectories(this.layout, this.path(container));
  }

  /** Resolves when none of its processes runs; rejects, and they run on, when they do not all stop in time; or, as they are by then, once it is called off. */
  freeze(container: CgroupPlace, calledOff: AbortSignal): Promise<void> {
    return freeze(this.layout, this.path(container), calledOff);
  }

  thaw(container: CgroupPlace): void {
    thaw(this.layout, this.path(container));
  }

  /** Changes limits under running processes; all or none. */
  update(container: CgroupPlace, resources: CgroupResources): void {
    applyWrites(updateWrites(this.layout, this.directories(container), resources, (path) => readFileSync(path, 'latin1')));
  }

  /** Its processes, those that it put into cgroups below its own included. */
  processes(container: CgroupPlace): readonly number[] {
    return processesOf(this.directories(container)[0] ?? '');
  }

  /** Kills every process that is in them, and waits for none. */
  kill(container: CgroupPlace): void {
    killCgroups(this.directories(container));
  }

  /** Ends every process that is in them, however it got there, and removes them. */
  end(container: CgroupPlace): Promise<void> {
    return endCgroups(this.directories(container));
  }

  /** Containers that have any in the engine's parent. */
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
