import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { cgroupDirectories, type CgroupLayout } from '#libs/cgroup/layout.js';
import { cgroupsOnTheWay, handDownTo } from '#libs/cgroup/parent.js';
import { writeWhole } from '#libs/linux/whole-file.js';

/**
 * The cgroups that containers asked to be in (`--cgroup-parent`). What was missing is made, and goes when no container needs it any more; what was there before is
 * somebody else's, with the limits that he set, and stays. Which is which stands in `file`, one directory a line, written before anything is made, so that
 * whoever comes after a crash knows. It is to lie where a reboot takes it, as it takes the cgroups.
 */
export class CgroupParents {
  private readonly made: Set<string>;

  constructor(
    private readonly layout: CgroupLayout,
    private readonly file: string,
  ) {
    this.made = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
  }

  /** Makes `parent`, "/a/b", ready for containers. Throws Node's own errors; EBUSY on v2: a cgroup on the way holds processes, which cannot be limited together with others. */
  make(parent: string): void {
    const missing = this.directories(parent).filter((directory) => !existsSync(directory));
    if (missing.length > 0) {
      for (const directory of missing) this.made.add(directory);
      this.save();
      for (const directory of missing) mkdirSync(directory, { recursive: true });
    }
    handDownTo(this.layout, parent);
  }

  /** Removes those that it made and that are empty, but for what `needed` parents consist of. */
  tidy(needed: Iterable<string>): void {
    const kept = new Set([...needed].flatMap((parent) => this.directories(parent)));
    const before = this.made.size;
    // The deepest first: one that holds another is not empty.
    const unneeded = [...this.made].filter((directory) => !kept.has(directory)).toSorted((one, other) => other.length - one.length);
    for (const directory of unneeded) if (isRemoved(directory)) this.made.delete(directory);
    if (this.made.size < before) this.save();
  }

  /** Of all hierarchies, from the top of each. */
  private directories(parent: string): readonly string[] {
    return cgroupDirectories(this.layout, parent).flatMap((directory) => cgroupsOnTheWay(directory, parent));
  }

  private save(): void {
    mkdirSync(dirname(this.file), { recursive: true });
    writeWhole(this.file, [...this.made, ''].join('\n'), { mode: 0o644 });
  }
}

/** False: somebody else is in it by now. */
function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    throw error;
  }
}
