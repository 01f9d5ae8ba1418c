import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import type { Fd } from '#libs/linux/native.js';
import { withContainerProcess } from './container-process.js';

export type NamespaceName = 'ipc' | 'mnt' | 'net' | 'pid' | 'user';

/**
 * Namespaces of a running container for others to join. They are open files: what they are named by stays theirs when the container's processes have ended, and their numbers are those of others.
 * Owned by who took them; whoever has joined one keeps it alive after `close`.
 */
export class LentNamespaces implements Disposable {
  private readonly files = new Map<NamespaceName, Fd>();

  private constructor() {}

  /** These, by its first process: a kernel may have no others. Throws conflict where that is not, or not any more, the container's. */
  static of(container: string, pid: number, names: readonly NamespaceName[]): LentNamespaces {
    const lent = new LentNamespaces();
    try {
      withContainerProcess(container, pid, (process) => {
        for (const name of names) lent.files.set(name, openSync(`/proc/self/fd/${process}/ns/${name}`, 'r'));
      });
      return lent;
    } catch (error) {
      lent.close();
      throw error;
    }
  }

  /** For another process to open while this one lives and they are not closed. */
  path(name: NamespaceName): string {
    return `/proc/${process.pid}/fd/${this.file(name)}`;
  }

  isSame(name: NamespaceName, other: LentNamespaces): boolean {
    return fstatSync(this.file(name)).ino === fstatSync(other.file(name)).ino;
  }

  isTheHosts(name: NamespaceName): boolean {
    return fstatSync(this.file(name)).ino === statSync(`/proc/self/ns/${name}`).ino;
  }

  close(): void {
    for (const file of this.files.values()) closeSync(file);
    this.files.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private file(name: NamespaceName): Fd {
    const file = this.files.get(name);
    if (file === undefined) throw new Error(`the ${name} namespace is not open`);
    return file;
  }
}
