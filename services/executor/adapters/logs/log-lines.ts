/** Which file it is, whatever its name and form: the inode and birth time of the file that the shim wrote, which its compressed form remembers. */
export type LogIdentity = string;

/** Complete lines of one log file, open, from a position on. */
export interface LogLines extends AsyncDisposable {
  readonly identity: LogIdentity;
  /** Where the first line that `next` has not given begins, in bytes of the uncompressed file. */
  readonly offset: number;
  /** The next lines, without their newline; none: at the end for now. What the writer has not finished stays for a later call. */
  next(): Promise<Buffer[]>;
  /** Moves to an offset that one of these lines had. */
  seek(offset: number): Promise<void>;
  /** Moves to the beginning of the `count`-th line from the end. Returns how many there were. */
  seekFromEnd(count: number): Promise<number>;
  /** What is written from now on is not read: a reader slower than the writer would never come to an end. */
  endHere(): Promise<void>;
  /** Bytes that the disk has this file for alone: all of it once its name is gone, else none. */
  keptBytes(): Promise<number>;
}

const NEWLINE = 10;

/** Puts together what chunks cut in the middle of a line. */
export class LineSplitter {
  private rest: Buffer = Buffer.alloc(0);

  /** Bytes of a line whose end has not come. */
  get held(): number {
    return this.rest.length;
  }

  /** The lines that end in this chunk, without their newline. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      lines.push(bytes.subarray(from, end));
      from = end + 1;
    }
    this.rest = bytes.subarray(from);
    return lines;
  }
}
