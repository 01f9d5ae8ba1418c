import { ResolveImages } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import type { EngineClient } from './engine-client.js';

/** The id of the image that each name means now; null where it means none. */
export type ImagesMeant = ReadonlyMap<string, string | null>;

/** Asked once for all names. Rejects as unavailable where nobody answers within `timeoutMs`. */
export async function imagesMeant(engine: EngineClient, names: Iterable<string>, asked: RequestContext, timeoutMs?: number): Promise<ImagesMeant> {
  const images = [...new Set(names)];
  if (images.length === 0) return new Map();
  const { ids } = await engine.ask(ResolveImages, { images }, asked, timeoutMs);
  return new Map(images.map((image, at) => [image, ids[at] ?? null]));
}
