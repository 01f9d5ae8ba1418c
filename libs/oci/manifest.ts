import { invalid } from '#libs/errors/errors.js';
import { isObject, parseJsonObject, text } from './bounded-json.js';
import { parseDigest } from './digest.js';
import { isIndexType, isLayerType, isManifestType, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from './media-types.js';
import { readPlatform, type Platform } from './platform.js';

/** image-spec, descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** distribution-spec: registries must take 4 MiB; nobody makes larger ones. */
export const MANIFEST_LIMIT_BYTES = 4 << 20;
const MOST_LAYERS = 512;
const MOST_MANIFESTS = 4096;

/** Reads an image manifest or index; `mediaType` as the registry told it, where it did. Throws invalid. */
export function parseManifest(bytes: Uint8Array, mediaType?: string): ImageManifest | ImageIndex {
  const json = parseJsonObject(bytes, 'the manifest', MANIFEST_LIMIT_BYTES);
  if (json['schemaVersion'] !== 2) throw invalid(`manifest schema version ${JSON.stringify(json['schemaVersion'])} is not supported: push the image again with a current client`);
  const told = text(json['mediaType']);
  // A document that is both could mean different things to different readers (CVE-2021-41190).
  if ('layers' in json && 'manifests' in json) throw invalid('the manifest is an index too');
  if ('manifests' in json) {
    const type = told || (mediaType && isIndexType(mediaType) ? mediaType : OCI_INDEX);
    if (!isIndexType(type)) throw invalid(`an index of type ${type} is not supported`);
    return { kind: 'index', mediaType: type, manifests: descriptors(json['manifests'], 'manifests', MOST_MANIFESTS) };
  }
  const type = told || (mediaType && isManifestType(mediaType) ? mediaType : OCI_MANIFEST);
  if (!isManifestType(type)) throw invalid(`a manifest of type ${type} is not supported`);
  const layers = descriptors(json['layers'], 'layers', MOST_LAYERS);
  for (const layer of layers) if (!isLayerType(layer.mediaType)) throw invalid(`invalid media type ${layer.mediaType}: this is no container image`);
  return { kind: 'manifest', mediaType: type, config: descriptor(json['config'], 'config'), layers };
}

function descriptors(value: unknown, what: string, most: number): Descriptor[] {
  if (!Array.isArray(value) || value.length > most) throw invalid(`the manifest's ${what} are not a list of at most ${most}`);
  return value.map((item, index) => descriptor(item, `${what}[${index}]`));
}

function descriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw invalid(`the manifest's ${what} is no descriptor`);
  const size = value['size'];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(`the manifest's ${what} has no size`);
  const annotations = value['annotations'];
  const platform = value['platform'];
  return {
    mediaType: text(value['mediaType']),
    digest: parseDigest(value['digest'], `${what}: digest`),
    size,
    ...(isObject(platform) && { platform: readPlatform(platform) }),
    ...(isObject(annotations) && { annotations: Object.fromEntries(Object.entries(annotations).map(([key, item]) => [key, text(item)])) }),
  };
}

/** A manifest for parts that came without one, as in an archive of `docker save` before version 25. The same parts give the same bytes. */
export function writeManifest(config: Descriptor, layers: readonly Descriptor[], mediaType: typeof OCI_MANIFEST | typeof DOCKER_MANIFEST = OCI_MANIFEST): Buffer {
  const plain = ({ mediaType: type, digest, size }: Descriptor) => ({ mediaType: type, digest, size });
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: plain(config), layers: layers.map(plain) }));
}
