import { OpenRootLayer } from '#contracts/executor/archives.js';
import type { CommitImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { openWhole } from '#libs/messaging/whole-stream.js';
import { CONFIG_LIMIT_BYTES, parseImageConfig } from '#libs/oci/image-config.js';
import type { Descriptor } from '#libs/oci/manifest.js';
import { OCI_LAYER } from '#libs/oci/media-types.js';
import { parseNewTag } from '#libs/oci/reference.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import type { AddImage } from './add-image.js';
import type { CollectBlobs } from './collect-blobs.js';
import type { ImageDirectory } from './image-directory.js';

/** `docker commit`: what a container wrote becomes a layer on those of its image. */
export class CommitContainerImage {
  constructor(
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly addImage: AddImage,
    private readonly collect: CollectBlobs,
    private readonly bus: Bus,
  ) {}

  async run(command: CommitImage, asked: RequestContext): Promise<{ readonly id: string; readonly position: number }> {
    const lease = this.content.lease();
    try {
      return await this.commit(command, lease, asked);
    } finally {
      lease.release();
      await this.collect.unused(lease.digests);
    }
  }

  private async commit(command: CommitImage, lease: ContentLease, asked: RequestContext): Promise<{ readonly id: string; readonly position: number }> {
    const parent = this.directory.get(command.parent);
    if (parent === undefined) throw notFound(`No such image: ${command.parent}`);
    // Its container may go meanwhile, and it with that.
    for (const { digest } of parent.layers) if (!(await lease.keep(digest))) throw notFound(`No such image: ${command.parent}`);
    const { os, architecture, variant, diffIds, history } = parseImageConfig(await this.content.read(parent.configDigest, CONFIG_LIMIT_BYTES));
    const layer = await this.layerOf(command, lease, asked);
    const { config, createdBy, author, comment, createdAt: created } = command;
    const step = { created, created_by: createdBy, ...(author && { author }), ...(comment && { comment }), ...(layer ? {} : { empty_layer: true }) };
    const image = {
      architecture, os, ...(variant && { variant }), created, ...(author && { author }), ...(comment && { comment }), config,
      history: [...history, step], rootfs: { type: 'layers', diff_ids: [...diffIds, ...(layer ? [layer.digest] : [])] },
    };
    const { digest: id } = await lease.put(Buffer.from(JSON.stringify(image)));
    const layers: Descriptor[] = parent.layers.map(({ mediaType, digest, sizeBytes }) => ({ mediaType, digest, size: sizeBytes }));
    const tags = command.reference === '' ? [] : [parseNewTag(command.reference)];
    const { position } = await this.addImage.add({ configDigest: id, layers: layer ? [...layers, layer] : layers, tags, digests: [], origin: 'commit' }, lease, asked);
    return { id, position };
  }

  /** Kept as it comes, so that the blob's digest is the tar's, too. Undefined: the container wrote nothing. */
  private async layerOf({ container, layers }: CommitImage, lease: ContentLease, asked: RequestContext): Promise<Descriptor | undefined> {
    const layer = await openWhole(await this.bus.request(OpenRootLayer, { container, layers }, asked));
    try {
      const { digest, sizeBytes } = await lease.ingest(layer);
      return sizeBytes === 0 ? undefined : { mediaType: OCI_LAYER, digest, size: sizeBytes };
    } finally {
      layer.destroy();
    }
  }
}
