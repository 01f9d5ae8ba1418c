import { decompressed, compressionOf } from '#libs/oci/decompress.js';
import { OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD } from '#libs/oci/media-types.js';
import type { Descriptor } from '#libs/oci/manifest.js';
import type { TarLimits } from '#libs/oci/tar-reader.js';
import type { StoredBlob } from '../adapters/blob-ingest.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import { readAsLayer } from './read-as-layer.js';

/** A file that came in an archive, as a layer: what no layer may be compressed with (image-spec, layer.md) is kept plain. Throws invalid where that is no layer. */
export async function archivedLayer(blob: StoredBlob, content: ContentStore, lease: ContentLease, limits?: TarLimits): Promise<Descriptor> {
  const compression = compressionOf(blob.start);
  if (compression === 'xz' || compression === 'bzip2') return descriptorOf(await lease.ingest(readAsLayer(await decompressed(content.stream(blob.digest)), limits)), OCI_LAYER);
  return descriptorOf(blob, { none: OCI_LAYER, gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD }[compression]);
}

const descriptorOf = ({ digest, sizeBytes }: StoredBlob, mediaType: string): Descriptor => ({ mediaType, digest, size: sizeBytes });
