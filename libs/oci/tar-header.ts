import { type BerthError, unclassified } from '#libs/errors/errors.js';
import type { TarEntryType } from './tar-entry.js';

/** A header block as it stands (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"). */
export interface RawHeader {
  readonly path: Buffer;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkTarget: Buffer;
  readonly major: number;
  readonly minor: number;
}

export const TYPES: Readonly<Record<string, TarEntryType>> = { '0': 'file', '\0': 'file', '7': 'file', '1': 'hardlink', '2': 'symlink', '3': 'character', '4': 'block', '5': 'directory', '6': 'fifo' };

/** What dockerd says of a damaged archive, with its 500. `cause`: what is damaged. */
export const invalidHeader = (cause: string): BerthError => unclassified('archive/tar: invalid tar header', new Error(cause));

/** Throws on a wrong checksum or a number that is none. */
export function parseHeader(block: Buffer): RawHeader {
  checkSum(block);
  const flag = String.fromCharCode(block[156]!);
  // GNU's magic has "ustar  \0"; its prefix field holds other things.
  const ustar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = ustar ? cstring(block, 345, 155) : Buffer.alloc(0);
  const name = cstring(block, 0, 100);
  const isDevice = flag === '3' || flag === '4';
  return {
    path: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    flag,
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    linkTarget: cstring(block, 157, 100),
    major: isDevice ? number(block, 329, 8) : 0,
    minor: isDevice ? number(block, 337, 8) : 0,
  };
}

function checkSum(block: Buffer): void {
  const told = number(block, 148, 8);
  let unsigned = 8 * 32; // the field itself counts as spaces
  let signed = 8 * 32; // some old tars summed signed bytes
  for (let at = 0; at < 512; at++) {
    if (at >= 148 && at < 156) continue;
    const byte = block[at]!;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  if (told !== unsigned && told !== signed) throw invalidHeader('a header has a wrong checksum');
}

/** Octal, or GNU's base 256 when the first bit is set. */
function number(block: Buffer, offset: number, length: number): number {
  const first = block[offset]!;
  if (first & 0x80) {
    const negative = (first & 0x40) !== 0;
    let value = negative ? (first | 0x80) - 256 : first & 0x7f;
    for (let at = offset + 1; at < offset + length; at++) value = value * 256 + block[at]!;
    if (!Number.isSafeInteger(value)) throw invalidHeader('a number is too large');
    return value;
  }
  const digits = block.toString('latin1', offset, offset + length).replace(/[\0 ]+$/, '').replace(/^[\0 ]+/, '');
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw invalidHeader('a number is not octal');
  return Number.parseInt(digits, 8);
}

function cstring(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end));
}
