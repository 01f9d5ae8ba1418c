import type { ListedContainer } from '#contracts/containers/container-state.js';
import { MeasureFiles } from '#contracts/executor/host.js';
import { ListImages, type ImageView } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import type { ContainerSizes } from '../domain/docker/container.js';
import type { EngineClient } from './engine-client.js';

/** Millions of files on a slow disk. */
const MEASURE_TIMEOUT_MS = 10 * 60_000;

/** As the executor tells it, and dockerd. */
const UNKNOWN = -1;

/** What containers wrote, and with their images. By container id. */
export async function containerSizes(engine: EngineClient, containers: readonly ListedContainer[], asked: RequestContext): Promise<ReadonlyMap<string, ContainerSizes>> {
  if (containers.length === 0) return new Map();
  const [measured, { images }] = await Promise.all([
    engine.ask(MeasureFiles, { containers: containers.map(({ id }) => id), volumes: [] }, asked, MEASURE_TIMEOUT_MS),
    engine.ask(ListImages, {}, asked),
  ]);
  const imageBytes = new Map(images.map(({ id, sizeBytes }) => [id, sizeBytes]));
  return new Map(
    containers.map(({ id, imageId }) => {
      const image = imageBytes.get(imageId) ?? 0;
      const found = measured.containers[id] ?? 0;
      // A whole copy of the image: what it has more is the container's.
      const written = measured.withImage && found !== UNKNOWN ? Math.max(0, found - image) : found;
      return [id, { writtenBytes: written, rootBytes: image + Math.max(0, written) }];
    }),
  );
}

/** Bytes by volume. */
export async function volumeSizes(engine: EngineClient, volumes: readonly string[], asked: RequestContext): Promise<Readonly<Record<string, number>>> {
  return volumes.length === 0 ? {} : (await engine.ask(MeasureFiles, { containers: [], volumes }, asked, MEASURE_TIMEOUT_MS)).volumes;
}

/** Bytes of what is kept of removed containers, volumes that went with them included. By container. */
export async function keptSizes(engine: EngineClient, kept: readonly string[], asked: RequestContext): Promise<Readonly<Record<string, number>>> {
  return kept.length === 0 ? {} : (await engine.ask(MeasureFiles, { containers: [], volumes: [], kept }, asked, MEASURE_TIMEOUT_MS)).kept;
}

/** Bytes of an image's layers that others of `images` have, too. */
export const sharedBytes = (image: ImageView, images: readonly ImageView[]): number => image.sizeBytes - layerBytes([image], images.filter(({ id }) => id !== image.id));

/** Bytes of all layers of these images, one that several have once, but for those that `kept` images have, too. */
export function layerBytes(images: readonly ImageView[], kept: readonly ImageView[] = []): number {
  const layers = new Map<string, number>();
  for (const image of images) image.layers.toReversed().forEach((chainId, at) => layers.set(chainId, image.layerBytes[at] ?? 0));
  for (const image of kept) for (const chainId of image.layers) layers.delete(chainId);
  return [...layers.values()].reduce((sum, bytes) => sum + bytes, 0);
}
