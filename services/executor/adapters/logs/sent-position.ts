import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import type { LogIdentity } from './log-lines.js';

/** Longer than any: a shorter text leaves nothing of a longer one. */
const RECORD_BYTES = 64;

/** How far a log was sent: the file, and the offset of its first line that was not. Kept in a file of one record, written anew after each message. Dispose of it. */
export class SentPosition implements Disposable {
  private readonly fd: number;
  identity: LogIdentity;
  offset: number;

  constructor(path: string) {
    this.fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    const bytes = Buffer.alloc(RECORD_BYTES);
    const known = readSync(this.fd, bytes, 0, RECORD_BYTES, 0);
    const [, identity = '', offset = '0'] = /^(\S+) (\d+)\n/.exec(bytes.toString('latin1')) ?? [];
    this.identity = identity;
    this.offset = Number(offset);
    if (known < RECORD_BYTES) this.takeRoom();
  }

  /** Before anything is sent: on a full disk it could not be noted, and would be sent again and again. */
  private takeRoom(): void {
    try {
      this.save(this.identity, this.offset);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** Not synced: it outlives this process, and after a power cut some lines may be sent again. */
  save(identity: LogIdentity, offset: number): void {
    this.identity = identity;
    this.offset = offset;
    writeSync(this.fd, `${identity} ${offset}\n`.padEnd(RECORD_BYTES), 0, 'latin1');
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
