import { closeSync, constants } from 'node:fs';
import { mkdirat, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { removeTree } from '../trees/remove-tree.js';
import { bytesOf, type TreePath } from './tree-path.js';

const O_CLOEXEC = 0o2000000;
/** One name in one directory, not followed. */
const ONE_NAME = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;

/** A tree that `root` holds at `path`. */
export interface Surroundings {
  readonly root: Fd;
  readonly path: string;
  /** Throws where a symlink has led to what nothing may be done in. */
  readonly admit: (directory: Fd) => void;
}

/**
 * A directory tree whose contents nobody vouches for: all of it is reached through a descriptor of its root, symlinks mean what they would with that root as `/`,
 * or with that of its surroundings, and what is made is made by one name in an open directory. Owns its descriptors: `close` it.
 */
export class LayerTree {
  private readonly root: Fd;
  /** The directory that was last asked for: entries of an archive come directory by directory. */
  private last: { readonly path: string; readonly fd: Fd } | undefined;

  /** By its path, or by a descriptor, which stays the caller's, as do those of what is around it. */
  constructor(
    root: string | Fd,
    private readonly around?: Surroundings,
  ) {
    const [from, path] = typeof root === 'string' ? [-100, root] : [root, '.'];
    this.root = openat2(from, path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC, 0, 0);
  }

  get rootDirectory(): Fd {
    return this.root;
  }

  /** A descriptor of a directory below the root, the tree's own: do not close. `make`: directories that are missing are made, 0755 and root's. */
  directory(path: TreePath, make: boolean): Fd {
    if (path.length === 0) return this.root;
    const joined = path.join('/');
    if (this.last?.path === joined) return this.last.fd;
    let fd: Fd;
    try {
      fd = this.open(joined);
    } catch (error) {
      if (!make || !isErrno(error, 'ENOENT')) throw error;
      const parent = this.directory(path.slice(0, -1), true);
      mkdirat(parent, bytesOf(path.at(-1)!), 0o755);
      fd = this.open(joined);
    }
    this.forget();
    this.last = { path: joined, fd };
    return fd;
  }

  /** Opens one name in `directory`, never through a symlink. The caller closes it. */
  openName(directory: Fd, name: string, flags: number, mode = 0): Fd {
    return openat2(directory, bytesOf(name), flags | constants.O_NOFOLLOW | O_CLOEXEC, mode, ONE_NAME);
  }

  /** Removes a name and, of a directory, all below it. Nothing there: nothing happens. */
  remove(directory: Fd, name: string): void {
    // What was cached may be what goes.
    if (this.last !== undefined && this.last.fd !== directory) this.forget();
    removeTree(directory, bytesOf(name));
  }

  close(): void {
    this.forget();
    closeSync(this.root);
  }

  private open(joined: string): Fd {
    const [from, path] = this.around ? [this.around.root, Buffer.concat([Buffer.from(`${this.around.path}/`), bytesOf(joined)])] : [this.root, bytesOf(joined)];
    const fd = openat2(from, path, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    try {
      this.around?.admit(fd);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private forget(): void {
    if (this.last !== undefined) closeSync(this.last.fd);
    this.last = undefined;
  }
}

/** What a name in `directory` is, by an O_PATH descriptor that the caller closes; undefined: nothing. */
export function pathDescriptor(directory: Fd, name: string): Fd | undefined {
  try {
    return openat2(directory, bytesOf(name), O_PATH | constants.O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_BENEATH);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
