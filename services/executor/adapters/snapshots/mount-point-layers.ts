import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, renameSync, type Stats, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { llistxattr } from '#libs/linux/extended-attributes.js';
import { isErrno } from '#libs/linux/system-call-error.js';

/** In the layers' directory: holds one more layer for each top layer. */
export const MOUNT_POINTS = '.mounts';

const DIRECTORIES = ['dev', 'proc', 'sys'];
/** By its being there programs tell that they are in a container. */
const MARK = '.dockerenv';
const MOUNTED = 'mtab';
const FILES = ['hostname', 'hosts', MOUNTED, 'resolv.conf'];

/**
 * What every container mounts something on or has for what it is, as dockerd makes it, for images that have not got it: a layer over the image's own, made once for an image. Without it each container
 * makes the same directories and empty files in its writable layer, where they cost more than the mounts, and show among what the container changed.
 * Where the image has something else in such a place it is left alone: whoever mounts there sees to it.
 */
export class MountPointLayers {
  /** Images that have all there is to mount on. */
  private readonly complete = new Set<string>();

  constructor(private readonly layersDirectory: string) {}

  /** `layers`: names, top first. Gives the name of the layer to put over them, relative to the layers' directory; undefined where none is needed. */
  over(layers: readonly string[]): string | undefined {
    const [top] = layers;
    if (top === undefined || this.complete.has(top)) return undefined;
    const name = `${MOUNT_POINTS}/${top}`; // the name of a layer stands for all below it, too
    if (existsSync(join(this.layersDirectory, name))) return name;
    const missing = this.missing(layers);
    if (missing.directories.length === 0 && missing.files.length === 0 && !missing.mark) {
      this.complete.add(top);
      return undefined;
    }
    this.make(name, missing);
    return name;
  }

  private missing(layers: readonly string[]): Missing {
    const found = (path: string): Stats[] => layers.flatMap((layer) => statsOf(join(this.layersDirectory, layer, path)) ?? []);
    const directories = DIRECTORIES.filter((name) => found(name).length === 0);
    const etc = found('etc');
    // A symlink, a file, a whiteout, an opaque directory or one with attributes of its own: what a layer over it would mean is not plain.
    const isPlain = etc.every((stats) => stats.isDirectory()) && layers.every((layer) => attributesOf(join(this.layersDirectory, layer, 'etc')).length === 0);
    return { directories, mark: found(MARK).length === 0, files: isPlain ? FILES.filter((name) => found(`etc/${name}`).length === 0) : [], etc: etc[0] };
  }

  /** Under another name first: a half-made one is never used. */
  private make(name: string, { directories, mark, files, etc }: Missing): void {
    const target = join(this.layersDirectory, name);
    const temporary = join(this.layersDirectory, MOUNT_POINTS, `.tmp-${randomBytes(8).toString('hex')}`);
    mkdirSync(temporary, { recursive: true, mode: 0o755 });
    for (const directory of directories) mkdirSync(join(temporary, directory), { mode: 0o755 });
    if (mark) writeFileSync(join(temporary, MARK), '', { mode: 0o755 });
    if (files.length > 0) {
      const directory = join(temporary, 'etc');
      mkdirSync(directory, { mode: 0o755 });
      for (const file of files) {
        if (file === MOUNTED) symlinkSync('/proc/mounts', join(directory, file));
        else writeFileSync(join(directory, file), '', { mode: 0o755 });
      }
      if (etc !== undefined) {
        // The topmost of the directories that are merged tells whose it is.
        chownSync(directory, etc.uid, etc.gid);
        chmodSync(directory, etc.mode & 0o7777);
        utimesSync(directory, etc.atime, etc.mtime);
      }
    }
    renameSync(temporary, target);
  }
}

interface Missing {
  readonly directories: readonly string[];
  readonly mark: boolean;
  /** In /etc. */
  readonly files: readonly string[];
  /** The image's /etc, where it has one. */
  readonly etc: Stats | undefined;
}

/** Layers do not change once they are whole, so that a path means the same twice; its last name is not followed. */
function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function attributesOf(path: string): readonly string[] {
  try {
    return llistxattr(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTSUP')) return [];
    throw error;
  }
}
