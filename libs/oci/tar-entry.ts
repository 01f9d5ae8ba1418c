export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

export interface TarTime {
  /** Since 1970, may be negative. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** One member of a tar archive. Paths are bytes, for a file name need not be UTF-8; nothing about them is checked: what is safe depends on what is done with them. */
export interface TarHeader {
  readonly path: Buffer;
  readonly type: TarEntryType;
  /** Permission bits with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** 0 for what is no file. */
  readonly sizeBytes: number;
  readonly mtime: TarTime;
  /** Of symlinks and hard links. */
  readonly linkTarget: Buffer;
  /** Of devices. */
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

export const BLOCK_BYTES = 512;

/** Bytes that fill the last block of `sizeBytes`. */
export const padding = (sizeBytes: number): number => (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
