import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '#libs/failpoint/failpoint.js';
import type { Trash } from './trash.js';

/** Where the files of one container lie below the data root. */
export class ContainerFiles {
  constructor(
    private readonly dataRoot: string,
    private readonly trash: Trash,
  ) {}

  directory(container: string): string {
    return join(this.dataRoot, 'containers', container);
  }

  log(container: string): string {
    return join(this.directory(container), `${container}-json.log`);
  }

  /** Made in place, since a handful of small files is sooner made than handed to a thread. `onMade`: the container had no directory yet. */
  async prepare(container: string, files: { readonly hosts: string; readonly hostname: string; readonly resolvConf: string }, onMade: () => void = () => undefined): Promise<void> {
    const directory = this.directory(container);
    if (mkdirSync(directory, { recursive: true, mode: 0o710 }) !== undefined) onMade();
    await failpoint('container-files.half-made');
    writeFileSync(join(directory, 'hosts'), files.hosts, { mode: 0o644 });
    writeFileSync(join(directory, 'hostname'), files.hostname, { mode: 0o644 });
    writeFileSync(join(directory, 'resolv.conf'), files.resolvConf, { mode: 0o644 });
  }

  async remove(container: string): Promise<void> {
    await this.trash.take(this.directory(container));
  }

  /** What the host resolves names with; empty where it has no such file. */
  hostResolvConf(): string {
    return textOf('/etc/resolv.conf');
  }

  hostHosts(): string {
    return textOf('/etc/hosts');
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
