import { setTimeout as delay } from 'node:timers/promises';
import { BerthError, unavailable } from '#libs/errors/errors.js';
import type { Descriptor } from '#libs/oci/manifest.js';
import type { BlobIngest } from '../adapters/blob-ingest.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import type { RegistryClient } from '../adapters/registry-client.js';
import { RegistryError } from '../adapters/registry-error.js';
import type { PullMetrics } from './pull-metrics.js';

/** In which not a byte more came than there was. */
const ATTEMPTS = 5;
const RETRY_MS = 500;
/** A connection that a proxy or a router dropped without a word is not told of: a download that waits for it would, with all who join it, for ever. */
const SILENCE_MS = 60_000;

type OnProgress = (current: number) => void;
type Counts = Pick<PullMetrics, 'received' | 'resumed'>;

/** Blobs on their way from registries: one download of each, whoever waits for it. */
export class BlobDownloads {
  private readonly running = new Map<string, BlobDownload>();

  constructor(
    private readonly content: ContentStore,
    private readonly counts: Counts,
    private readonly silenceMs = SILENCE_MS,
  ) {}

  /** Resolves once the blob is there, and `lease` holds it. Rejects with the failure of `client`'s registry or of the store, or with the signal's reason. */
  async fetch(client: RegistryClient, blob: Descriptor, lease: ContentLease, signal: AbortSignal, onProgress: OnProgress = () => undefined): Promise<void> {
    const key = `${blob.digest} ${blob.size}`;
    while (!(await lease.keep(blob.digest, blob.size))) {
      signal.throwIfAborted();
      const others = this.running.get(key);
      const download = others ?? new BlobDownload(client, blob, this.content, this.counts, this.silenceMs, (ended) => this.running.get(key) === ended && this.running.delete(key));
      this.running.set(key, download);
      try {
        return await download.wait(lease, signal, onProgress);
      } catch (error) {
        // Another's registry, or credentials: one's own may do better.
        if (others === undefined || signal.aborted) throw error;
      }
    }
  }
}

/** One blob, for as long as anybody waits for it. */
class BlobDownload {
  private readonly waiting = new Set<OnProgress>();
  private readonly left = new AbortController();
  private readonly done: Promise<void>;

  constructor(
    private readonly client: RegistryClient,
    private readonly blob: Descriptor,
    private readonly content: ContentStore,
    private readonly counts: Counts,
    private readonly silenceMs: number,
    private readonly onEnd: (download: BlobDownload) => void,
  ) {
    this.done = this.run().finally(() => onEnd(this));
    this.done.catch(() => undefined); // everybody may have left
  }

  async wait(lease: ContentLease, signal: AbortSignal, onProgress: OnProgress): Promise<void> {
    lease.hold(this.blob.digest);
    const mine: OnProgress = (current) => onProgress(current);
    this.waiting.add(mine);
    const leaves = Promise.withResolvers<never>();
    const leave = (): void => leaves.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([this.done, leaves.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      this.waiting.delete(mine);
      if (this.waiting.size === 0) await this.end();
    }
  }

  /** Waits for it: a blob that it brought after the last lease was released would stay. */
  private async end(): Promise<void> {
    this.onEnd(this);
    this.left.abort(new Error('nobody waits for it'));
    await this.done.catch(() => undefined);
  }

  /** A connection that breaks is gone on with where it broke; a registry's refusal, bytes that are not the blob's, or a store that cannot keep them are not. */
  private async run(): Promise<void> {
    const { digest, size: sizeBytes } = this.blob;
    const ingest = await this.content.begin({ digest, sizeBytes });
    try {
      let most = 0;
      for (let attempt = 1; ; attempt++) {
        const broken = await this.goOn(ingest);
        if (broken === undefined) break;
        if (ingest.sizeBytes > most) [most, attempt] = [ingest.sizeBytes, 1];
        if (this.left.signal.aborted || isRefusal(broken.by) || attempt === ATTEMPTS) throw broken.by;
        await delay(RETRY_MS * attempt, undefined, { signal: this.left.signal });
      }
      await this.content.place(ingest, () => undefined); // who waits holds it
    } finally {
      await ingest.close();
    }
  }

  /** Resolves to the registry's failure, undefined where it told all. Rejects with another one. */
  private async goOn(ingest: BlobIngest): Promise<{ readonly by: unknown } | undefined> {
    let broken: { readonly by: unknown } | undefined;
    const silent = new AbortController();
    const part = await this.client.blob(this.blob.digest, AbortSignal.any([this.left.signal, silent.signal]), ingest.sizeBytes).catch((error: unknown) => void (broken = { by: error }));
    if (!part) return broken;
    if (part.from !== ingest.sizeBytes) await ingest.restart();
    this.counts.resumed(ingest.sizeBytes);
    const fail = (error: unknown): never => {
      broken = { by: error };
      throw error;
    };
    try {
      await ingest.append(this.counted(ingest, part.bytes, silent, fail));
    } catch (error) {
      if (error !== broken?.by) throw error;
    }
    return broken;
  }

  /** Aborts `silent` where nothing comes for so long; the time that a chunk takes to be kept is none of it. */
  private async *counted(ingest: BlobIngest, bytes: AsyncIterable<Uint8Array>, silent: AbortController, fail: (error: unknown) => never): AsyncGenerator<Uint8Array> {
    const listen = (): NodeJS.Timeout => setTimeout(() => silent.abort(unavailable(`nothing more came of ${this.blob.digest}`)), this.silenceMs);
    let timer = listen();
    try {
      for await (const chunk of bytes) {
        clearTimeout(timer);
        this.counts.received(chunk.length);
        for (const onProgress of this.waiting) onProgress(ingest.sizeBytes + chunk.length);
        yield chunk;
        timer = listen();
      }
    } catch (error) {
      fail(silent.signal.aborted ? silent.signal.reason : error);
    } finally {
      clearTimeout(timer);
    }
  }
}

const isRefusal = (error: unknown): boolean => (error instanceof RegistryError ? error.status < 500 && error.status !== 429 : error instanceof BerthError && error.kind === 'invalid');
