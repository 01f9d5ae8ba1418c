import { invalid, unclassified } from '#libs/errors/errors.js';
import { ByteQueue } from './byte-queue.js';
import { paxNumber, parsePaxRecords, paxTime, paxXattrs, type PaxRecords } from './pax-records.js';
import { BLOCK_BYTES, padding, type TarHeader } from './tar-entry.js';
import { parseHeader, TYPES, type RawHeader } from './tar-header.js';

export interface TarLimits {
  readonly entries: number;
  /** Of a path and of a link's target. */
  readonly pathBytes: number;
  /** Of all files together. */
  readonly totalBytes: number;
  /** Of what follows the end marker: it is padding, and of zeros a gigabyte is a megabyte of gzip. */
  readonly trailingBytes: number;
}

export const TAR_LIMITS: TarLimits = { entries: 4_000_000, pathBytes: 4096, totalBytes: 256 * 2 ** 30, trailingBytes: 2 ** 30 };

/** A pax header or a GNU long name larger than this is an attack. */
const EXTENSION_LIMIT_BYTES = 1 << 20;
/** Those that are for all entries to come are kept to the archive's end, and looked at with each of them. */
const MOST_GLOBAL_RECORDS = 64;
const LARGEST_ID = 2 ** 32 - 2;

export interface TarEntry extends TarHeader {
  /** The file's bytes, once, before the next entry is asked for; what is not read is skipped. */
  readonly body: AsyncIterable<Buffer>;
}

/**
 * The members of a ustar, pax or GNU tar stream, in order. Reads `source` to its end, also what follows the archive's end marker, so that a hash over
 * it is whole. Throws as dockerd does when the archive is damaged or cut off, and invalid where it is beyond `limits`.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, limits: TarLimits = TAR_LIMITS): AsyncGenerator<TarEntry, void, void> {
  const queue = new ByteQueue(source);
  try {
    yield* entries(queue, limits);
    let trailing = 0;
    for (let part; (part = await queue.some(1 << 20)); ) {
      trailing += part.length;
      if (trailing > limits.trailingBytes) throw invalid(`the tar archive goes on for more than ${limits.trailingBytes} bytes behind its end`);
    }
  } finally {
    await queue.close();
  }
}

async function* entries(queue: ByteQueue, limits: TarLimits): AsyncGenerator<TarEntry, void, void> {
  let globals: PaxRecords = new Map();
  let records: PaxRecords | undefined;
  let longPath: Buffer | undefined;
  let longTarget: Buffer | undefined;
  let count = 0;
  let total = 0;
  for (;;) {
    const block = await queue.take(BLOCK_BYTES);
    // Two zero blocks end an archive; one, or a missing end, is common enough to take.
    if (block.length === 0) return;
    if (block.length < BLOCK_BYTES) throw cutOff();
    if (isZero(block)) return;
    const raw = parseHeader(block);
    if (++count > limits.entries) throw invalid(`the tar archive has more than ${limits.entries} entries`);
    switch (raw.flag) {
      case 'x':
        records = parsePaxRecords(await extension(queue, raw));
        continue;
      case 'g':
        globals = checkedGlobals(new Map([...globals, ...parsePaxRecords(await extension(queue, raw))]));
        continue;
      case 'L':
        longPath = untilNul(await extension(queue, raw));
        continue;
      case 'K':
        longTarget = untilNul(await extension(queue, raw));
        continue;
      case 'V': // a volume's label
        await skip(queue, raw.size + padding(raw.size));
        continue;
    }
    const header = headerOf(raw, records === undefined ? globals : new Map([...globals, ...records]), longPath, longTarget);
    [records, longPath, longTarget] = [undefined, undefined, undefined];
    if (header.path.length > limits.pathBytes || header.linkTarget.length > limits.pathBytes) throw invalid(`the tar archive has a path longer than ${limits.pathBytes} bytes`);
    total += header.sizeBytes;
    if (total > limits.totalBytes) throw invalid(`the tar archive holds more than ${limits.totalBytes} bytes`);
    const body = new Body(queue, header.sizeBytes);
    yield { ...header, body };
    await skip(queue, body.left + padding(header.sizeBytes));
  }
}

function headerOf(raw: RawHeader, pax: PaxRecords, longPath: Buffer | undefined, longTarget: Buffer | undefined): TarHeader {
  let type = TYPES[raw.flag];
  const path = pax.get('path') ?? longPath ?? raw.path;
  if (type === undefined) throw invalid(`the tar archive has an entry of type "${raw.flag}" (${path.toString()}), which is not supported`);
  if ([...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))) throw invalid(`${path.toString()} is a sparse file, which is not supported in a tar archive`);
  // Before POSIX, a directory was a file with a slash at the end.
  if (type === 'file' && path.at(-1) === 0x2f) type = 'directory';
  const size = paxNumber(pax, 'size') ?? raw.size;
  const uid = paxNumber(pax, 'uid') ?? raw.uid;
  const gid = paxNumber(pax, 'gid') ?? raw.gid;
  if (size < 0 || uid < 0 || gid < 0 || uid > LARGEST_ID || gid > LARGEST_ID) throw invalid(`the tar archive has an impossible size or owner (${path.toString()})`);
  if (path.includes(0)) throw invalid('the tar archive has a path with a zero byte');
  return {
    path,
    type,
    mode: raw.mode,
    uid,
    gid,
    sizeBytes: type === 'file' ? size : 0,
    mtime: paxTime(pax, 'mtime') ?? { seconds: raw.mtime, nanoseconds: 0 },
    linkTarget: pax.get('linkpath') ?? longTarget ?? raw.linkTarget,
    major: raw.major,
    minor: raw.minor,
    xattrs: paxXattrs(pax),
  };
}

class Body implements AsyncIterable<Buffer> {
  constructor(
    private readonly queue: ByteQueue,
    public left: number,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    while (this.left > 0) {
      const part = await this.queue.some(this.left);
      if (part === undefined) throw cutOff();
      this.left -= part.length;
      yield part;
    }
  }
}

function checkedGlobals(records: PaxRecords): PaxRecords {
  const bytes = records.values().reduce((sum, value) => sum + value.length, 0);
  if (records.size > MOST_GLOBAL_RECORDS || bytes > EXTENSION_LIMIT_BYTES) throw invalid(`the tar archive says too much of all its entries: ${records.size} things, in ${bytes} bytes`);
  return records;
}

async function extension(queue: ByteQueue, raw: RawHeader): Promise<Buffer> {
  if (raw.size < 0 || raw.size > EXTENSION_LIMIT_BYTES) throw invalid(`the tar archive has a header of ${raw.size} bytes`);
  const bytes = Buffer.from(await queue.take(raw.size));
  if (bytes.length < raw.size) throw cutOff();
  await skip(queue, padding(raw.size));
  return bytes;
}

async function skip(queue: ByteQueue, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const part = await queue.some(left);
    if (part === undefined) throw cutOff();
    left -= part.length;
  }
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

const isZero = (block: Buffer): boolean => block.every((byte) => byte === 0);
const cutOff = () => unclassified('unexpected EOF');
