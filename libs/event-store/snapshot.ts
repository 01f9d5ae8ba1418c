import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a fold had become at one position of the log. */
export interface Snapshot<Data> {
  readonly position: number;
  /** Hash of the newest commit folded in, `''` for none: tells a log that was replaced by another from the one that was folded. */
  readonly lastHash: string;
  readonly data: Data;
}

/** What the log says now, to hold a snapshot against. */
export interface LogState {
  readonly lastPosition: number;
}

const format = 1;

/**
 * A fold's snapshot in one file: a line with position and checksum, then the state as JSON. It only saves time: whatever is wrong with it, the
 * log is replayed instead. `fold` names the shape of the state; change it with the shape and old snapshots are left aside.
 */
export class SnapshotFile<Data> {
  constructor(
    private readonly path: string,
    private readonly fold: string,
  ) {}

  /** Undefined when there is none, or it is torn, corrupt, of another fold, or ahead of the log. */
  async load(log: LogState): Promise<Snapshot<Data> | undefined> {
    try {
      const bytes = await readFile(this.path);
      const end = bytes.indexOf(10);
      if (end < 0) return undefined;
      const head = JSON.parse(bytes.toString('utf8', 0, end)) as Record<string, unknown>;
      const state = bytes.subarray(end + 1);
      const { position, lastHash } = head;
      if (head['format'] !== format || head['fold'] !== this.fold || typeof position !== 'number' || typeof lastHash !== 'string') return undefined;
      if (head['sha256'] !== checksum(position, lastHash, state) || position > log.lastPosition) return undefined;
      return { position, lastHash, data: JSON.parse(state.toString('utf8')) as Data };
    } catch {
      return undefined;
    }
  }

  /** Replaces the file at once: a crash leaves the old or the new one. Rejects when the disk does; the old one then stays. */
  async save(snapshot: Snapshot<Data>): Promise<void> {
    const { position, lastHash, data } = snapshot;
    const state = Buffer.from(JSON.stringify(data));
    const head = JSON.stringify({ format, fold: this.fold, position, lastHash, sha256: checksum(position, lastHash, state) });
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
}

function checksum(position: number, lastHash: string, state: Buffer): string {
  return createHash('sha256').update(`${position}\n${lastHash}\n`).update(state).digest('hex');
}
