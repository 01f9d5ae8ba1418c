import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { invalid, notFound } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { blobPath } from '#libs/oci/content-layout.js';
import type { Digest } from '#libs/oci/digest.js';
import { BlobIngest, type Expected, type StoredBlob } from './blob-ingest.js';

/** Blobs by their digest, below `<dataRoot>/content`. What is there is whole and on disk: a blob gets its name once hashed and synced. Call `open` once. */
export class ContentStore {
  private readonly ingestRoot: string;
  private readonly leases = new Set<ContentLease>();
  private readonly removals = new Map<Digest, Promise<void>>();

  constructor(private readonly dataRoot: string) {
    this.ingestRoot = join(dataRoot, 'content', 'ingest');
  }

  /** Makes the directories, readable for the executor's group, and removes what an ingest left behind. What cannot be removed stays, and is told of. */
  async open(onError: (error: unknown) => void): Promise<void> {
    await mkdir(join(this.dataRoot, 'content', 'blobs', 'sha256'), { recursive: true, mode: 0o750 });
    await mkdir(this.ingestRoot, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.ingestRoot)) await rm(join(this.ingestRoot, name), { force: true }).catch(onError);
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

  /** A blob that may come in parts. The caller closes it. */
  begin(expected: Expected): Promise<BlobIngest> {
    return BlobIngest.begin(join(this.ingestRoot, randomBytes(12).toString('hex')), expected);
  }

  /** Gives its name to a blob that has come, which `hold` is to keep. Rejects as invalid when it is not what was expected. */
  async place(ingest: BlobIngest, hold: (digest: Digest) => void): Promise<StoredBlob> {
    const blob = ingest.finish();
    const path = blobPath(this.dataRoot, blob.digest);
    hold(blob.digest);
    await this.settled(blob.digest);
    if ((await this.sizeOf(blob.digest)) === undefined) {
      await ingest.sync();
      await rename(ingest.path, path);
      await syncDirectory(dirname(path));
      await failpoint('blob.in-place');
    }
    return blob;
  }

  /** Through a lease. Stores all of `source`. Rejects as invalid when it is not what was expected, and then keeps nothing. */
  async ingest(source: AsyncIterable<Uint8Array>, expected: Expected, hold: (digest: Digest) => void): Promise<StoredBlob> {
    const ingest = await this.begin(expected);
    try {
      await ingest.append(source);
      return await this.place(ingest, hold);
    } finally {
      await ingest.close();
    }
  }
}

/** A pull, load or commit holds the blobs of its image with this until the image is in the log. */
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

  /** A blob that is about to come. */
  hold(digest: Digest): void {
    this.held.add(digest);
  }

  ingest(source: AsyncIterable<Uint8Array>, expected: Expected = {}): Promise<StoredBlob> {
    return this.store.ingest(source, expected, (digest) => this.hold(digest));
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

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
