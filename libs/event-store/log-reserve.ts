import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isFull } from '#libs/linux/full-disk.js';
import { logger } from '#libs/telemetry/logger.js';

const BYTES = 1 << 20;
/** With less room than this a disk counts as full still: what was let go would be gone at once. */
const ROOM_BYTES = 4 * BYTES;
const LOOK_EVERY_MS = 5_000;

/** Names of events that end something, or wish for it: what they are about gives room back, or what was begun has come to something. All others begin. */
const ENDS = /(Removed|Released|Untagged|Discarded|Pruned|Unprotected|Started|Exited|Failed|Paused|Unpaused)$|^(Remove|Stop|Kill|Signal)Requested$/;
/** Whether a commit may have what is reserved: of a full disk, and of what the log may grow to (log-room.ts). */
export const endsSomething = (events: readonly { readonly type: string }[]): boolean => events.some(({ type }) => ENDS.test(type));

/**
 * Room that a service keeps for the log on the disk that they share, in a file. A disk that is full to the last block takes no commit: not even the one that says what is to be removed, so that
 * nobody could make room by the engine. What ends something gets this room then; what begins something is refused until there is room enough, and the reserve is there again.
 */
export class LogReserve {
  private looking: NodeJS.Timeout | undefined;

  /** The reserve of whoever owns `folder`. Undefined: the log has a disk of its own, where this one's room is of no use. */
  static in(folder: string, { dataRoot, natsEmbedded }: { readonly dataRoot: string; readonly natsEmbedded: boolean }): LogReserve | undefined {
    const log = statSync(join(dataRoot, 'nats'), { throwIfNoEntry: false });
    return natsEmbedded && log?.dev === statSync(folder).dev ? new LogReserve(join(folder, 'log-reserve')) : undefined;
  }

  constructor(private readonly path: string) {
    // Who was killed while he wrote it left less.
    const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (size < BYTES && !this.refill()) this.lookLater();
  }

  /** It was given to the log, and the disk is still full. */
  get isSpent(): boolean {
    return this.looking !== undefined && !this.refill();
  }

  /** Gives it to the log. False: there is none any more. */
  spend(): boolean {
    if (!existsSync(this.path)) return false;
    rmSync(this.path);
    this.lookLater();
    logger('log').warn('the disk of the log is full: what gives room back is done from a reserve, and all else is refused until there is room');
    return true;
  }

  close(): void {
    clearInterval(this.looking);
    this.looking = undefined;
  }

  private lookLater(): void {
    this.looking ??= setInterval(() => void this.refill(), LOOK_EVERY_MS).unref();
  }

  /** False: there is no room for it. A disk that takes no file for another reason has no reserve. */
  private refill(): boolean {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.path));
      if (bavail * bsize < ROOM_BYTES) return false;
      // Not zeros, which some file systems keep in no blocks.
      writeFileSync(this.path, randomBytes(BYTES), { mode: 0o600, flush: true });
    } catch (error) {
      if (isFull(error)) {
        rmSync(this.path, { force: true });
        return false;
      }
    }
    this.close();
    return true;
  }
}
