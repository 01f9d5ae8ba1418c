import { BerthError, internal } from '#libs/errors/errors.js';
import { errnoName } from '#libs/linux/errno.js';
import { align } from './attributes.js';

/** netlink(7): the header of each message. */
const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** The ack carries attributes: what the kernel says in words is number 1 (linux/netlink.h, NLMSGERR_ATTR_MSG). */
const NLM_F_ACK_TLVS = 0x200;
const NLM_F_CAPPED = 0x100;
const NLMSGERR_ATTR_MSG = 1;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** What a refusal of it is reported as: "link add veth12". */
  readonly what: string;
}

export interface Reply {
  readonly type: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** The kernel refused one message. `code` is the errno's name. */
export class NetlinkRefused extends BerthError {
  readonly code: string;

  constructor(
    readonly what: string,
    readonly errno: number,
    readonly kernelWords: string,
  ) {
    const code = errnoName(errno);
    super('internal', `${what}: ${code}${kernelWords ? ` (${kernelWords})` : ''}`);
    this.code = code;
  }
}

/** Several messages as one datagram; the sequence number of each is its place in the list, from 1. */
export function encodeMessages(messages: readonly Message[]): Buffer {
  const total = messages.reduce((sum, message) => sum + align(HEADER_BYTES + message.payload.length), 0);
  const bytes = Buffer.alloc(total);
  let at = 0;
  messages.forEach((message, index) => {
    const length = HEADER_BYTES + message.payload.length;
    bytes.writeUInt32LE(length, at);
    bytes.writeUInt16LE(message.type, at + 4);
    bytes.writeUInt16LE(message.flags | NLM_F_REQUEST, at + 6);
    bytes.writeUInt32LE(index + 1, at + 8);
    bytes.set(message.payload, at + HEADER_BYTES);
    at += align(length);
  });
  return bytes;
}

export interface Outcome {
  readonly replies: readonly Reply[];
  /** By place in the request, from 0: what was refused. Empty: all went well. */
  readonly refused: ReadonlyMap<number, NetlinkRefused>;
}

/** Sorts the kernel's answers to `messages`. Throws on bytes that are no netlink. */
export function decodeOutcome(messages: readonly Message[], bytes: Buffer): Outcome {
  const replies: Reply[] = [];
  const refused = new Map<number, NetlinkRefused>();
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > bytes.length) throw internal(`netlink: a message of ${length} bytes at ${at} of ${bytes.length}`);
    const type = bytes.readUInt16LE(at + 4);
    const flags = bytes.readUInt16LE(at + 6);
    const sequence = bytes.readUInt32LE(at + 8);
    const payload = bytes.subarray(at + HEADER_BYTES, at + length);
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      const errno = payload.length >= 4 ? -payload.readInt32LE(0) : 0;
      const what = messages[sequence - 1]?.what ?? 'netlink';
      if (errno > 0 && !refused.has(sequence - 1)) refused.set(sequence - 1, new NetlinkRefused(what, errno, kernelWords(flags, payload)));
    } else {
      replies.push({ type, sequence, payload });
    }
    at += align(length);
  }
  return { replies, refused };
}

function kernelWords(flags: number, payload: Buffer): string {
  if (!(flags & NLM_F_ACK_TLVS) || payload.length < 4 + HEADER_BYTES) return '';
  const echoed = flags & NLM_F_CAPPED ? HEADER_BYTES : payload.readUInt32LE(4);
  for (let at = 4 + align(echoed); at + 4 <= payload.length; ) {
    const length = payload.readUInt16LE(at);
    if (length < 4 || at + length > payload.length) return '';
    if ((payload.readUInt16LE(at + 2) & 0x3fff) === NLMSGERR_ATTR_MSG) return payload.toString('latin1', at + 4, at + length - 1);
    at += align(length);
  }
  return '';
}
