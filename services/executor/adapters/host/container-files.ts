import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { removeTree } from '#libs/linux/remove-tree.js';

/** Where the files of one container lie below the data root. */
export class ContainerFiles {
  constructor(private readonly dataRoot: string) {}

  directory(container: string): string {
    return join(this.dataRoot, 'containers', container);
  }

  /** An empty directory that the root is mounted on, in the container's own mount namespace alone. */
  rootTarget(container: string): string {
    return join(this.directory(container), 'merged');
  }

  log(container: string): string {
    return join(this.directory(container), `${container}-json.log`);
  }

  async prepare(container: string, files: { readonly hosts: string; readonly hostname: string; readonly resolvConf: string }): Promise<void> {
    const directory = this.directory(container);
    await mkdir(directory, { recursive: true, mode: 0o710 });
    await failpoint('container-files.half-made');
    await Promise.all([
      mkdir(this.rootTarget(container), { recursive: true, mode: 0o700 }),
      writeFile(join(directory, 'hosts'), files.hosts, { mode: 0o644 }),
      writeFile(join(directory, 'hostname'), files.hostname, { mode: 0o644 }),
      writeFile(join(directory, 'resolv.conf'), files.resolvConf, { mode: 0o644 }),
    ]);
  }

  async remove(container: string): Promise<void> {
    await removeTree(this.directory(container));
  }

  /** What the host resolves names with; empty where it has no such file. */
  hostResolvConf(): string {
    try {
      return readFileSync('/etc/resolv.conf', 'utf8');
    } catch {
      return '';
    }
  }
}
