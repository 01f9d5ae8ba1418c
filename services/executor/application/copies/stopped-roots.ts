import { close } from 'node:fs';
import { promisify } from 'node:util';
import type { Fd } from '#libs/linux/native.js';

/** Beside the event loop: the last descriptor of a mount writes out what its file system still holds. */
export const closeAside = promisify(close);

interface Held {
  users: number;
  readonly root: Promise<Fd>;
  readonly over: Promise<void>;
  readonly end: () => void;
}

/**
 * Roots of containers that do not run, by the container's directory. All who look into one at a time have the same mount of it, since two overlays of one upper directory
 * would undo one another's work; it goes with the last of them, and only then is there another.
 */
export class StoppedRoots {
  private readonly held = new Map<string, Held>();

  /** `open` is asked only where nobody has the root yet; its descriptor is closed here. */
  async with<T>(directory: string, open: () => Promise<Fd>, work: (root: Fd) => Promise<T>): Promise<T> {
    const there = this.held.get(directory);
    const held = there && there.users > 0 ? there : this.hold(directory, there?.over, open);
    held.users++;
    try {
      return await work(await held.root);
    } finally {
      held.users--;
      if (held.users === 0) void this.letGo(directory, held);
    }
  }

  /** Resolves when nobody has the root that somebody has now. */
  async free(directory: string): Promise<void> {
    await this.held.get(directory)?.over;
  }

  private hold(directory: string, before: Promise<void> | undefined, open: () => Promise<Fd>): Held {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const held = { users: 0, root: Promise.resolve(before).then(open), over, end };
    this.held.set(directory, held);
    return held;
  }

  private async letGo(directory: string, { root, over, end }: Held): Promise<void> {
    // One that could not be opened is told to whoever wanted it.
    await root.then(closeAside, () => undefined);
    if (this.held.get(directory)?.over === over) this.held.delete(directory);
    end();
  }
}
