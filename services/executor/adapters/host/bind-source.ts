import { readFileSync, realpathSync } from 'node:fs';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { notImplemented, unclassified } from '#libs/errors/errors.js';
import { asVolumePart, volumePartAt } from '../../domain/spec/volume-part.js';
import type { TreeThreads } from '../trees/tree-threads.js';
import { hostHasDistantMounts } from './distant-mounts.js';
import { FewTurns } from './few-turns.js';
import { findSource, type SourceWish } from './find-source.js';

/**
 * Of the four threads on which all that this process asks of files waits (libuv). One that looks at a source whose server has gone, by NFS or FUSE, may wait for ever; four of them would be the end
 * of all starts.
 */
const MOST_WAITING = 2;
/** A turn takes a fraction of it. */
const TURN_WITHIN_MS = 100;

/** What binds are of. */
export class BindSources {
  private folders: ReadonlySet<string> | undefined;
  private readonly turns = new FewTurns(MOST_WAITING);

  /** `volumes`: the folder that volumes are in. `apart`: threads for sources that may never answer, by their names. */
  constructor(
    private readonly volumes: string,
    private readonly threads: Pick<TreeThreads, 'run'>,
    private readonly apart: { of(source: string): Pick<TreeThreads, 'run'> },
  ) {}

  /** A bind of what lies in a volume is of a part of it from here on. */
  asParts(mounts: readonly ContainerMount[]): readonly ContainerMount[] {
    return mounts.map((mount) => asVolumePart(mount, this.volumeFolders()));
  }

  /** Whether a look into what these are of may take as long as somebody else likes. */
  mayNeverAnswer(mounts: readonly ContainerMount[]): boolean {
    return mounts.some(({ type }) => type !== 'tmpfs') && hostHasDistantMounts();
  }

  /** Before there is a container that has it: rejects as invalid where a start, which makes nothing, would. */
  async check(source: string): Promise<void> {
    const part = volumePartAt(source, this.volumeFolders());
    await (part ? this.threads.run('preparePart', { ...part, makes: false }) : this.find({ source, makes: false, resolves: false }));
  }

  /**
   * A bind's source: -v makes a missing one as a directory, --mount refuses. Where the bind is to receive the host's later mounts, the source has to lie on a mount that
   * passes them on. Rejects as invalid, in dockerd's words.
   */
  async prepare({ source, subpath, createSource: makes = false, propagation }: ContainerMount): Promise<void> {
    if (subpath !== undefined) await this.threads.run('preparePart', { volume: source, below: subpath, makes });
    const resolves = /shared|slave/.test(propagation);
    const path = subpath === undefined || resolves ? await this.find({ source, makes: makes && subpath === undefined, resolves }) : undefined;
    if (path !== undefined) checkPropagation(path, propagation);
  }

  /** Whether some wait, on threads for which the process waits when it ends. */
  get isWaiting(): boolean {
    return this.turns.taken > 0;
  }

  private async find(wish: SourceWish): Promise<string | undefined> {
    if (!(await this.turns.take(TURN_WITHIN_MS))) return await this.apart.of(wish.source).run('findSource', wish);
    try {
      return await findSource(wish);
    } finally {
      this.turns.giveBack();
    }
  }

  private volumeFolders(): ReadonlySet<string> {
    return (this.folders ??= new Set([this.volumes, realpathSync(this.volumes)]));
  }
}

function checkPropagation(source: string, propagation: string): void {
  const { mountPoint, shared, slave } = mountOf(source);
  if (/shared/.test(propagation)) {
    if (!shared) throw unclassified(`path ${source} is mounted on ${mountPoint} but it is not a shared mount`);
    throw notImplemented(`Berth does not support mounts that reach the host from a container (${propagation}) yet: use rslave`);
  }
  if (!shared && !slave) throw unclassified(`path ${source} is mounted on ${mountPoint} but it is not a shared or slave mount`);
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
