/**
 * How a data-plane connection begins, the same for services and shims: one frame with a ticket, one frame in answer, raw bytes from then on.
 * A frame is u32 LE length of what follows, u8 type, payload; a string is u32 LE length and bytes.
 */
export const ATTACH = 10;
export const ACCEPTED = 110;
export const REFUSED = 111;

/** Longest first frame that is read from a stranger. */
const FRAME_LIMIT = 256;

export function ticketFrame(ticket: string): Buffer {
  const text = Buffer.from(ticket);
  const frame = Buffer.alloc(9 + text.length);
  frame.writeUInt32LE(5 + text.length, 0);
  frame.writeUInt8(ATTACH, 4);
  frame.writeUInt32LE(text.length, 5);
  text.copy(frame, 9);
  return frame;
}

export function answerFrame(type: typeof ACCEPTED | typeof REFUSED): Buffer {
  return Buffer.from([1, 0, 0, 0, type]);
}

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
  readonly rest: Buffer;
}

/** The first frame of `bytes`, or undefined while it is incomplete. Throws when it is longer than `limit`. */
export function takeFrame(bytes: Buffer, limit = FRAME_LIMIT): Frame | undefined {
  if (bytes.length < 5) return undefined;
  const length = bytes.readUInt32LE(0);
  if (length < 1 || length > limit) throw new RangeError(`frame of ${length} bytes`);
  if (bytes.length < 4 + length) return undefined;
  return { type: bytes.readUInt8(4), payload: bytes.subarray(5, 4 + length), rest: bytes.subarray(4 + length) };
}

export function readString(bytes: Buffer, offset = 0): string {
  const length = bytes.readUInt32LE(offset);
  return bytes.toString('utf8', offset + 4, offset + 4 + length);
}
