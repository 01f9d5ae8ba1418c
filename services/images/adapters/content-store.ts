import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { invalid, notFound } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { blobPath } from '#libs/oci/content-layout.js';
import type { Digest } from '#libs/oci/digest.js';

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The blob's first bytes, at least four where it has them: they tell how it is compressed. */
  readonly start: Buffer;
}

export interface Expected {
  readonly digest?: Digest;
  readonly sizeBytes?: number;
}

const START_BYTES = 512;

/** Blobs by their digest, below `<dataRoot>/content`. What is there is whole and on disk: a blob gets its name once hashed and synced. Call `open` once. */
export class ContentStore {
  private readonly ingestRoot: string;
  private readonly leases = new Set<ContentLease>();
  private readonly removals = new Map<Digest, Promise<void>>();

  constructor(private readonly dataRoot: string) {
    this.ingestRoot = join(dataRoot, 'content', 'ingest');
  }

  /** Makes the directories, readable for the executor's group, and removes what an ingest left behind. */
  async open(): Promise<void> {
    await mkdir(join(this.dataRoot, 'content', 'blobs', 'sha256'), { recursive: true, mode: 0o750 });
    await mkdir(this.ingestRoot, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.ingestRoot)) await rm(join(this.ingestRoot, name), { force: true });
  }

  async list(): Promise<Digest[]> {
    return (await readdir(join(this.dataRoot, 'content', 'blobs', 'sha256'))).map((hex) => `sha256:${hex}`);
  }

  /** Keeps blobs that no image names yet from being removed. The caller releases it. */
  lease(): ContentLease {
    const lease = new ContentLease(this, (done) => this.leases.delete(done));
    this.leases.add(lease);
    return lease;
  }

  /** Undefined: not there. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(blobPath(this.dataRoot, digest))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** A small blob at once. Rejects as not-found, as invalid where it is larger than `limitBytes`. */
  async read(digest: Digest, limitBytes: number): Promise<Buffer> {
    const size = await this.sizeOf(digest);
    if (size === undefined) throw notFound(`blob ${digest} is not in the content store`);
    if (size > limitBytes) throw invalid(`blob ${digest} has ${size} bytes, more than ${limitBytes}`);
    return await readFile(blobPath(this.dataRoot, digest));
  }

  /** The caller consumes or destroys it. */
  stream(digest: Digest): Readable {
    return createReadStream(blobPath(this.dataRoot, digest), { highWaterMark: 1 << 18 });
  }

  /** Nothing there, or leased: nothing happens. */
  async remove(digest: Digest): Promise<void> {
    for (const lease of this.leases) if (lease.holds(digest)) return;
    const removal = rm(blobPath(this.dataRoot, digest), { force: true }).finally(() => this.removals.delete(digest));
    this.removals.set(digest, removal);
    await removal;
  }

  /** Resolves once no removal of the blob is under way: one that began before a lease held it. */
  async settled(digest: Digest): Promise<void> {
    await this.removals.get(digest)?.catch(() => undefined);
  }

  /** Through a lease. Stores all of `source`. Rejects as invalid when it is not what was expected, and then keeps nothing. */
  async ingest(source: AsyncIterable<Uint8Array>, expected: Expected, hold: (digest: Digest) => void): Promise<StoredBlob> {
    const temporary = join(this.ingestRoot, randomBytes(12).toString('hex'));
    const file = await open(temporary, 'wx', 0o640);
    try {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      let start = Buffer.alloc(0);
      for await (const chunk of source) {
        sizeBytes += chunk.length;
        if (expected.sizeBytes !== undefined && sizeBytes > expected.sizeBytes) throw invalid(`blob ${expected.digest ?? ''} is larger than the ${expected.sizeBytes} bytes it should have`);
        if (start.length < START_BYTES) start = Buffer.concat([start, chunk.subarray(0, START_BYTES - start.length)]);
        hash.update(chunk);
        await writeAll(file, chunk);
      }
      const digest = `sha256:${hash.digest('hex')}`;
      if (expected.sizeBytes !== undefined && sizeBytes !== expected.sizeBytes) throw invalid(`blob ${expected.digest ?? digest} has ${sizeBytes} bytes, not ${expected.sizeBytes}: it was cut off`);
      if (expected.digest !== undefined && digest !== expected.digest) throw invalid(`blob ${expected.digest} is damaged: its bytes have the digest ${digest}`);
      hold(digest);
      await this.settled(digest);
      if ((await this.sizeOf(digest)) === undefined) {
        await file.sync();
        await rename(temporary, blobPath(this.dataRoot, digest));
        await syncDirectory(dirname(blobPath(this.dataRoot, digest)));
        await failpoint('blob.in-place');
      }
      return { digest, sizeBytes, start };
    } finally {
      await file.close();
      await unlink(temporary).catch(() => undefined);
    }
  }
}

/** Who is about to make an image of blobs holds them with this until the image is in the log. */
export class ContentLease {
  private readonly held = new Set<Digest>();

  constructor(
    private readonly store: ContentStore,
    private readonly ended: (lease: ContentLease) => void,
  ) {}

  holds(digest: Digest): boolean {
    return this.held.has(digest);
  }

  /** Everything it held and put there: what no image names may be removed after `release`. */
  get digests(): ReadonlySet<Digest> {
    return this.held;
  }

  ingest(source: AsyncIterable<Uint8Array>, expected: Expected = {}): Promise<StoredBlob> {
    return this.store.ingest(source, expected, (digest) => this.held.add(digest));
  }

  put(bytes: Buffer): Promise<StoredBlob> {
    return this.ingest(once(bytes));
  }

  /** Holds a blob that is there already. False: it is not. */
  async keep(digest: Digest, sizeBytes?: number): Promise<boolean> {
    this.held.add(digest);
    await this.store.settled(digest);
    const size = await this.store.sizeOf(digest);
    if (size !== undefined && (sizeBytes === undefined || size === sizeBytes)) return true;
    this.held.delete(digest);
    return false;
  }

  release(): void {
    this.ended(this);
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
