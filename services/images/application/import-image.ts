import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import type { ImportImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import { applyChanges } from '#libs/oci/config-changes.js';
import { decompressed } from '#libs/oci/decompress.js';
import { hostPlatform, parsePlatform, type Platform } from '#libs/oci/platform.js';
import { parseNewTag } from '#libs/oci/reference.js';
import type { ContentStore } from '../adapters/content-store.js';
import type { AddImage } from './add-image.js';
import { archivedLayer } from './archived-layer.js';
import type { CollectBlobs } from './collect-blobs.js';
import { diffIdOf } from './diff-id.js';
import { inputOf, serveProgress } from './progress-stream.js';

interface PreparedImport {
  readonly tags: readonly string[];
  readonly platform: Platform;
  readonly config: object;
}

/** `docker import`: a file system's tar becomes an image of one layer. A client that goes away ends it. */
export class ImportArchive {
  constructor(
    private readonly content: ContentStore,
    private readonly addImage: AddImage,
    private readonly collect: CollectBlobs,
  ) {}

  /** Throws invalid, before any byte is read, for a reference, a platform or a change that cannot be. */
  prepare(command: ImportImage): PreparedImport {
    const tags = command.reference === '' ? [] : [parseNewTag(command.reference)];
    const platform = command.platform ? parsePlatform(command.platform) : hostPlatform;
    if (platform.os !== hostPlatform.os) throw invalid('operating system is not supported');
    return { tags, platform, config: applyChanges(command.changes) };
  }

  async serve(socket: Socket, message: string, prepared: PreparedImport, asked: RequestContext): Promise<void> {
    await serveProgress(socket, asked, this.content, this.collect, async (lines, lease, left) => {
      const { tags, platform, config } = prepared;
      const layer = await archivedLayer(await lease.ingest(inputOf(socket)), this.content, lease);
      const diffId = await diffIdOf(await decompressed(addAbortSignal(left, this.content.stream(layer.digest))));
      const created = new Date().toISOString();
      const comment = message || 'Imported from -';
      const { os, architecture, variant } = platform;
      const image = { architecture, os, ...(variant && { variant }), created, comment, config, history: [{ created, comment }], rootfs: { type: 'layers', diff_ids: [diffId] } };
      const configBlob = await lease.put(Buffer.from(JSON.stringify(image)));
      await this.addImage.add({ configDigest: configBlob.digest, layers: [layer], tags, digests: [], origin: 'import' }, lease, asked, left);
      lines.report({ status: configBlob.digest });
    });
  }
}
