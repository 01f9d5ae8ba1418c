import { invalid } from '#libs/errors/errors.js';
import { formatPaxRecord, xattrKey } from './pax-records.js';
import { BLOCK_BYTES, padding, type TarEntryType, type TarHeader } from './tar-entry.js';

/** What is left out is 0 or empty; mode 0644, of directories 0755. */
export interface TarMember extends Partial<Omit<TarHeader, 'path' | 'linkTarget'>> {
  readonly path: Buffer | string;
  readonly linkTarget?: Buffer | string;
  /** As many bytes as `sizeBytes`; of a Buffer, its length is the size. */
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array;
}

const FLAGS: Readonly<Record<TarEntryType, string>> = { file: '0', hardlink: '1', symlink: '2', character: '3', block: '4', directory: '5', fifo: '6' };
const LARGEST_OCTAL_7 = 0o7777777;
const LARGEST_OCTAL_11 = 0o77777777777;

/** A tar archive of `members`, with its end marker: ustar, and pax headers where ustar cannot say it. Throws where a body has not the size told. */
export async function* writeTar(members: AsyncIterable<TarMember> | Iterable<TarMember>): AsyncGenerator<Buffer, void, void> {
  for await (const member of members) {
    const size = member.body instanceof Uint8Array ? member.body.length : (member.sizeBytes ?? 0);
    yield tarHeader(member, size);
    let written = 0;
    if (member.body instanceof Uint8Array) {
      written = size;
      if (size > 0) yield Buffer.from(member.body.buffer, member.body.byteOffset, size);
    } else if (member.body !== undefined) {
      for await (const chunk of member.body) {
        written += chunk.length;
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      }
    }
    if (written !== size) throw invalid(`${String(member.path)} has ${written} bytes, not ${size}`);
    if (padding(size) > 0) yield Buffer.alloc(padding(size));
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

/** The header blocks of one member. */
export function tarHeader(member: TarMember, sizeBytes: number): Buffer {
  const type = member.type ?? 'file';
  const path = withSlash(Buffer.from(member.path), type);
  const target = Buffer.from(member.linkTarget ?? '');
  const { uid = 0, gid = 0, mtime = { seconds: 0, nanoseconds: 0 } } = member;
  const records: Buffer[] = [];
  const record = (key: string, value: Uint8Array | string): void => void records.push(formatPaxRecord(key, Buffer.from(value)));
  const split = splitPath(path);
  if (split === undefined) record('path', path);
  if (target.length > 100 || !isAscii(target)) record('linkpath', target);
  if (uid > LARGEST_OCTAL_7) record('uid', String(uid));
  if (gid > LARGEST_OCTAL_7) record('gid', String(gid));
  if (sizeBytes > LARGEST_OCTAL_11) record('size', String(sizeBytes));
  if (mtime.nanoseconds !== 0 || mtime.seconds < 0 || mtime.seconds > LARGEST_OCTAL_11) record('mtime', paxTimeText(mtime.seconds, mtime.nanoseconds));
  for (const [name, value] of member.xattrs ?? []) record(xattrKey(name), value);
  const header = ustar({
    name: split?.name ?? path.subarray(0, 100),
    prefix: split?.prefix ?? Buffer.alloc(0),
    mode: member.mode ?? (type === 'directory' ? 0o755 : 0o644),
    uid: Math.min(uid, LARGEST_OCTAL_7),
    gid: Math.min(gid, LARGEST_OCTAL_7),
    size: sizeBytes > LARGEST_OCTAL_11 ? 0 : sizeBytes,
    mtime: Math.min(Math.max(mtime.seconds, 0), LARGEST_OCTAL_11),
    flag: FLAGS[type],
    target: target.subarray(0, 100),
    major: member.major ?? 0,
    minor: member.minor ?? 0,
  });
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const extension = ustar({ name: Buffer.from('PaxHeaders/entry'), prefix: Buffer.alloc(0), mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 0, flag: 'x', target: Buffer.alloc(0), major: 0, minor: 0 });
  return Buffer.concat([extension, body, Buffer.alloc(padding(body.length)), header]);
}

interface Ustar {
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly flag: string;
  readonly target: Buffer;
  readonly major: number;
  readonly minor: number;
}

function ustar(fields: Ustar): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number): void => void block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  fields.name.copy(block, 0);
  octal(fields.mode & 0o7777, 100, 7);
  octal(fields.uid, 108, 7);
  octal(fields.gid, 116, 7);
  octal(fields.size, 124, 11);
  octal(fields.mtime, 136, 11);
  block.write('        ', 148, 'latin1');
  block.write(fields.flag, 156, 'latin1');
  fields.target.copy(block, 157);
  block.write('ustar\x0000', 257, 'latin1');
  octal(fields.major, 329, 7);
  octal(fields.minor, 337, 7);
  fields.prefix.copy(block, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Name and prefix of a path that fits ustar; undefined: it does not. */
function splitPath(path: Buffer): { readonly name: Buffer; readonly prefix: Buffer } | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= 100) return { name: path, prefix: Buffer.alloc(0) };
  for (let at = path.indexOf(0x2f, path.length - 101); at > 0 && at <= 155 && at < path.length - 1; at = path.indexOf(0x2f, at + 1)) {
    return { name: path.subarray(at + 1), prefix: path.subarray(0, at) };
  }
  return undefined;
}

function withSlash(path: Buffer, type: TarEntryType): Buffer {
  return type === 'directory' && path.at(-1) !== 0x2f ? Buffer.concat([path, Buffer.from('/')]) : path;
}

function paxTimeText(seconds: number, nanoseconds: number): string {
  const [whole, part] = seconds < 0 && nanoseconds > 0 ? [seconds + 1, 1_000_000_000 - nanoseconds] : [seconds, nanoseconds];
  const sign = seconds < 0 && whole === 0 ? '-' : '';
  return `${sign}${whole}${part === 0 ? '' : `.${String(part).padStart(9, '0')}`}`;
}

const isAscii = (bytes: Buffer): boolean => bytes.every((byte) => byte < 128);
