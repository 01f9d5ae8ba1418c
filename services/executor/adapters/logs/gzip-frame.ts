import type { LogIdentity } from './log-lines.js';

/** RFC 1952, 2.3: magic, deflate, the flag of an extra field; no time, no hint, Unix. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3]);
/** The extra field's subfield that tells which file this was. */
const SUBFIELD = 'bL';
/** All that a header of ours takes, and more. */
export const MOST_HEADER_BYTES = 128;

/** What stands before the deflated bytes. Any gunzip reads it. */
export function gzipHeader(identity: LogIdentity): Buffer {
  const text = Buffer.from(identity);
  const lengths = Buffer.alloc(6);
  lengths.writeUInt16LE(4 + text.length, 0);
  lengths.write(SUBFIELD, 2, 'latin1');
  lengths.writeUInt16LE(text.length, 4);
  return Buffer.concat([HEADER, lengths, text]);
}

/** What stands after them. */
export function gzipTrailer(crc32: number, bytes: number): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32, 0);
  trailer.writeUInt32LE(bytes % 2 ** 32, 4);
  return trailer;
}

/** Undefined: it is no header of ours. */
export function identityIn(header: Buffer): LogIdentity | undefined {
  const at = HEADER.length;
  if (header.length < at + 6 || !header.subarray(0, at).equals(HEADER) || header.toString('latin1', at + 2, at + 4) !== SUBFIELD) return undefined;
  const end = at + 6 + header.readUInt16LE(at + 4);
  return end <= header.length ? header.toString('latin1', at + 6, end) : undefined;
}
