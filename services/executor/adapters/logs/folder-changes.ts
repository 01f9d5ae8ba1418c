import { type FSWatcher, watch } from 'node:fs';

/** Counts what changes in a folder from its making on, so that nothing is missed between a look and a wait. Close it. */
export class FolderChanges implements Disposable {
  private count = 0;
  private readonly watcher: FSWatcher;
  private wake: () => void = () => undefined;

  /** `onRename`: files came, went or have other names. */
  constructor(folder: string, onRename: () => void) {
    this.watcher = watch(folder, (kind) => {
      if (kind === 'rename') onRename();
      this.touch();
    });
    this.watcher.on('error', () => this.touch());
  }

  /** What `after` wants: the changes up to now. */
  get seen(): number {
    return this.count;
  }

  /** Something else that counts as a change. */
  touch(): void {
    this.count++;
    this.wake();
  }

  /** Resolves once there was a change after those `seen`. One waits at a time. */
  async after(seen: number): Promise<void> {
    while (this.count === seen) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  [Symbol.dispose](): void {
    this.watcher.close();
  }
}
