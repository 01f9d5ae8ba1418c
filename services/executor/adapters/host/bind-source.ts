import { readFileSync, realpathSync } from 'node:fs';
import { access, mkdir, realpath } from 'node:fs/promises';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { invalid, notImplemented } from '#libs/errors/errors.js';
import { asVolumePart, noBindSource, volumePartAt } from '../../domain/spec/volume-part.js';
import type { TreeThreads } from '../trees/tree-threads.js';

/** What binds are of. */
export class BindSources {
  private folders: ReadonlySet<string> | undefined;

  /** `volumes`: the folder that volumes are in. */
  constructor(
    private readonly volumes: string,
    private readonly threads: Pick<TreeThreads, 'run'>,
  ) {}

  /** A bind of what lies in a volume is of a part of it from here on. */
  asParts(mounts: readonly ContainerMount[]): readonly ContainerMount[] {
    return mounts.map((mount) => asVolumePart(mount, this.volumeFolders()));
  }

  /** Before there is a container that has it: rejects as invalid where a start, which makes nothing, would. */
  async check(source: string): Promise<void> {
    const part = volumePartAt(source, this.volumeFolders());
    await (part ? this.threads.run('preparePart', { ...part, makes: false }) : lookFor(source));
  }

  /**
   * A bind's source: -v makes a missing one as a directory, --mount refuses. Where the bind is to receive the host's later mounts, the source has to lie on a mount that
   * passes them on. Rejects as invalid, in dockerd's words.
   */
  async prepare({ source, subpath, createSource = false, propagation }: ContainerMount): Promise<void> {
    if (subpath !== undefined) await this.threads.run('preparePart', { volume: source, below: subpath, makes: createSource });
    else if (createSource) await mkdir(source, { recursive: true }).catch((error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : Promise.reject(error)));
    else await lookFor(source);
    if (/shared|slave/.test(propagation)) checkPropagation(await realpath(source), propagation);
  }

  private volumeFolders(): ReadonlySet<string> {
    return (this.folders ??= new Set([this.volumes, realpathSync(this.volumes)]));
  }
}

/** Rejects as invalid where there is nothing. */
async function lookFor(source: string): Promise<void> {
  await access(source).catch(() => Promise.reject(noBindSource(source)));
}

function checkPropagation(source: string, propagation: string): void {
  const { mountPoint, shared, slave } = mountOf(source);
  if (/shared/.test(propagation)) {
    if (!shared) throw invalid(`path ${source} is mounted on ${mountPoint} but it is not a shared mount`);
    throw notImplemented(`Berth does not support mounts that reach the host from a container (${propagation}) yet: use rslave`);
  }
  if (!shared && !slave) throw invalid(`path ${source} is mounted on ${mountPoint} but it is not a shared or slave mount`);
}

/** proc_pid_mountinfo(5): the mount that a path lies on. Read only where somebody asked for propagation: it grows with the machine's mounts. */
function mountOf(path: string): { readonly mountPoint: string; readonly shared: boolean; readonly slave: boolean } {
  let found = { mountPoint: '/', shared: false, slave: false };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [fields = ''] = line.split(' - ');
    const [, , , , escaped = '', , ...optional] = fields.split(' ');
    const mountPoint = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    // Of two mounts on one place the later one is seen.
    const covers = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (!covers || mountPoint.length < found.mountPoint.length) continue;
    found = { mountPoint, shared: optional.some((field) => field.startsWith('shared:')), slave: optional.some((field) => field.startsWith('master:')) };
  }
  return found;
}
