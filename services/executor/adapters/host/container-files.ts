import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostChange, TaskLog } from '#contracts/executor/tasks.js';
import { OBJECT_ID } from '#contracts/object-id.js';
import { invalid } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import type { Fd } from '#libs/linux/native.js';
import { changedHosts } from '../../domain/spec/files.js';
import type { SpareDirectories } from './spare-directories.js';
import type { Trash } from './trash.js';

const LOG_WISH = 'log.json';
const SPARE_LOG = 'log';
/** What `prepare` writes, and what becomes the log, which the shim opens. */
export const SPARE_FILES = [...['hosts', 'hostname', 'resolv.conf'].map((name) => ({ name, mode: 0o644 })), { name: SPARE_LOG, mode: 0o640 }];
const MOST_HOSTS_BYTES = 1024 * 1024;
/** Who has a file mounted may take a lease of it (fcntl(2), F_SETLEASE): another who opens it waits up to 45 s, and this process with all that it does. */
const NEVER_WAITING = constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Where the files of one container lie below the data root. */
export class ContainerFiles {
  constructor(
    private readonly dataRoot: string,
    private readonly trash: Trash,
    private readonly spares: Pick<SpareDirectories, 'take'>,
  ) {}

  /** Throws invalid for what is no id: it becomes one path component, never more, and this process is root. */
  directory(container: string): string {
    if (!OBJECT_ID.test(container)) throw invalid(`"${container}" is no container's id`);
    return join(this.dataRoot, 'containers', container);
  }

  log(container: string): string {
    return join(this.directory(container), `${container}-json.log`);
  }

  /** Made in place, since a handful of small files is sooner made than handed to a thread. `onMade`: the container had no directory yet; which it has now (`removeMade`). */
  async prepare(container: string, files: { readonly hosts: string; readonly hostname: string; readonly resolvConf: string; /** Whether its output is kept. */ readonly log: boolean }, onMade: (made: bigint) => void = () => undefined): Promise<void> {
    const directory = this.directory(container);
    if (this.spares.take(directory)) {
      if (files.log) renameSync(join(directory, SPARE_LOG), this.log(container));
      else rmSync(join(directory, SPARE_LOG));
      onMade(statSync(directory, { bigint: true }).ino);
    } else if (mkdirSync(directory, { recursive: true, mode: 0o710 }) !== undefined) {
      onMade(statSync(directory, { bigint: true }).ino);
    }
    await failpoint('container-files.half-made');
    writeAnew(join(directory, 'hosts'), files.hosts);
    writeAnew(join(directory, 'hostname'), files.hostname);
    writeAnew(join(directory, 'resolv.conf'), files.resolvConf);
  }

  /**
   * In place, since it is mounted in the container, which may have made of it what it likes, and makes it while it is read: what is no such file any more stays as it is, and so does what
   * the container keeps from being written.
   */
  changeHosts(container: string, changes: readonly HostChange[]): void {
    const file = unlessLeased(() => openSync(join(this.directory(container), 'hosts'), constants.O_RDWR | NEVER_WAITING));
    if (file === undefined) return;
    try {
      const most = Math.min(fstatSync(file).size, MOST_HOSTS_BYTES);
      const bytes = Buffer.alloc(most + 1);
      const length = readSync(file, bytes, 0, bytes.length, 0);
      if (length > most) return;
      const before = bytes.toString('utf8', 0, length);
      const after = changedHosts(before, changes);
      if (after === before) return;
      ftruncateSync(file);
      writeFileSync(file, after);
    } finally {
      closeSync(file);
    }
  }

  /** How its log is kept, for executors to come: they find its shim, and not what it was started with. */
  keepLog(container: string, log: TaskLog): void {
    const path = join(this.directory(container), LOG_WISH);
    writeFileSync(`${path}.tmp`, JSON.stringify(log), { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  }

  /** Undefined: it is kept as the shim writes it. */
  async keptLog(container: string): Promise<TaskLog | undefined> {
    try {
      return JSON.parse(await readFile(join(this.directory(container), LOG_WISH), 'utf8')) as TaskLog; // `keepLog` wrote it, in one piece
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** All that have files. */
  containers(): readonly string[] {
    try {
      return readdirSync(join(this.dataRoot, 'containers'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async remove(container: string): Promise<void> {
    await this.trash.remove(this.directory(container));
  }

  /** What `prepare` made, unless it has gone since: what is there then may be the container's own, which was kept and is back. */
  async removeMade(container: string, made: bigint): Promise<void> {
    if (statSync(this.directory(container), { bigint: true, throwIfNoEntry: false })?.ino === made) await this.remove(container);
  }

  /** What the host resolves names with; empty where it has no such file. */
  hostResolvConf(): string {
    return textOf('/etc/resolv.conf');
  }

  hostHosts(): string {
    return textOf('/etc/hosts');
  }
}

/** In place where it can be, since containers that share another's network have its files. */
function writeAnew(path: string, text: string): void {
  const open = (): Fd => openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | NEVER_WAITING, 0o644);
  const file = unlessLeased(open) ?? (rmSync(path), open());
  try {
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}

/** Undefined: a container has a lease of the file. */
function unlessLeased<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
