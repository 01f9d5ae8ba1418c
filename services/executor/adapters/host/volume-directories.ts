import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { removeTree } from '#libs/linux/remove-tree.js';

/** A name becomes one path component below the volumes' folder, never more: checked here again, since this process is root. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export class VolumeDirectories {
  constructor(private readonly dataRoot: string) {}

  /** The volume's own directory, made if it is not there. */
  async ensure(name: string): Promise<string> {
    const path = join(this.of(name), '_data');
    await mkdir(this.of(name), { recursive: true, mode: 0o701 });
    await failpoint('volume.half-made');
    await mkdir(path, { recursive: true, mode: 0o755 });
    return path;
  }

  async remove(name: string): Promise<void> {
    await removeTree(this.of(name));
  }

  async list(): Promise<{ readonly whole: readonly string[]; readonly half: readonly string[] }> {
    const names = await readdir(join(this.dataRoot, 'volumes'));
    const half = names.filter((name) => !existsSync(join(this.dataRoot, 'volumes', name, '_data')));
    return { whole: names.filter((name) => !half.includes(name)), half };
  }

  private of(name: string): string {
    if (!NAME.test(name)) throw invalid(`"${name}" cannot be the name of a volume`);
    return join(this.dataRoot, 'volumes', name);
  }
}
