import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventStore } from './event-store.js';

/** What a fold had become at one position of the log. */
export interface Snapshot<Data> {
  /** All up to here is folded in. */
  readonly position: number;
  readonly data: Data;
}

/** The log that a snapshot is held against. */
export type SnapshottedLog = Pick<EventStore, 'lastPosition' | 'commitAt'>;

const format = 2;

/**
 * A fold's snapshot in one file: a line with position, hash of the commit there and checksum, then the state as JSON. It only saves time: whatever is
 * wrong with it, the log is replayed instead. `fold` names the shape of the state and what the fold makes of events; change it with either, and old snapshots are left aside.
 */
export class SnapshotFile<Data> {
  constructor(
    private readonly path: string,
    private readonly fold: string,
  ) {}

  /**
   * Undefined when there is none, when it is torn, corrupt, of another fold, or when it is ahead of this log or of another one: then the log has no
   * commit at its position, or one with another hash. Rejects when the log does not answer.
   */
  async load(log: SnapshottedLog): Promise<Snapshot<Data> | undefined> {
    const read = await this.read();
    if (read === undefined || read.position > (await log.lastPosition())) return undefined;
    const { position, hash, data } = read;
    return (await log.commitAt(position))?.hash === hash ? { position, data } : undefined;
  }

  /**
   * Replaces the file at once: a crash leaves the old or the new one. `data` is taken as it is at the call. Rejects when the disk does; the old one then stays.
   * Does nothing where the log has no commit at `position` to hold the snapshot against later.
   */
  async save(log: SnapshottedLog, { position, data }: Snapshot<Data>): Promise<void> {
    const state = Buffer.from(JSON.stringify(data));
    const hash = position === 0 ? undefined : (await log.commitAt(position))?.hash;
    if (hash === undefined) return;
    const head = JSON.stringify({ format, fold: this.fold, position, hash, sha256: checksum(position, hash, state) });
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const next = `${this.path}.next`;
    try {
      const file = await open(next, 'w', 0o600);
      try {
        await file.writeFile(Buffer.concat([Buffer.from(`${head}\n`), state]));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, this.path);
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    }
    const directory = await open(dirname(this.path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  private async read(): Promise<{ readonly position: number; readonly hash: string; readonly data: Data } | undefined> {
    try {
      const bytes = await readFile(this.path);
      const end = bytes.indexOf(10);
      if (end < 0) return undefined;
      const head = JSON.parse(bytes.toString('utf8', 0, end)) as Record<string, unknown>;
      const state = bytes.subarray(end + 1);
      const { position, hash } = head;
      if (head['format'] !== format || head['fold'] !== this.fold || typeof position !== 'number' || typeof hash !== 'string') return undefined;
      if (head['sha256'] !== checksum(position, hash, state)) return undefined;
      return { position, hash, data: JSON.parse(state.toString('utf8')) as Data };
    } catch {
      return undefined;
    }
  }
}

function checksum(position: number, hash: string, state: Buffer): string {
  return createHash('sha256').update(`${position}\n${hash}\n`).update(state).digest('hex');
}
