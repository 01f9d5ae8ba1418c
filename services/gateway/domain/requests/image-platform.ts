import type { ImageView } from '#contracts/images/images.js';
import { invalid, notFound } from '#libs/errors/errors.js';
import { type JsonObject, isObject } from '#libs/oci/bounded-json.js';
import { jsonFault } from '#libs/oci/json-fault.js';
import { fitness, formatPlatform, type Platform, readPlatform } from '#libs/oci/platform.js';
import { isAtLeast } from '../api-version.js';
import { list, type QueryValues } from './query-values.js';

export interface AskedPlatform {
  readonly platform: Platform;
  /** As the client has it. */
  readonly name: string;
}

/**
 * The platforms that a query asks for by `name`, each a JSON object; none where the API has no such parameter yet, which is so before version `since`. Throws invalid, in dockerd's
 * words, for what is no platform.
 */
export function askedPlatforms(query: QueryValues, name: 'platform' | 'platforms', since: string, version: string): readonly AskedPlatform[] {
  if (!isAtLeast(version, since)) return [];
  return list(query, name).filter((text) => text !== '').map((text) => {
    const json = parsed(text);
    const { os, architecture, variant } = json;
    if (typeof os !== 'string' || typeof architecture !== 'string' || os === '' || architecture === '') throw invalid('both OS and Architecture must be provided');
    return { platform: readPlatform(json), name: [os, architecture, variant].filter(Boolean).join('/') };
  });
}

function parsed(text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`failed to parse platform: ${jsonFault(text, 'whole')}`, error);
  }
  if (!isObject(json)) throw invalid('failed to parse platform: a JSON object is needed');
  return json;
}

export const fits = (view: ImageView, { platform }: AskedPlatform): boolean => fitness(platform, view) > 0;

/** Throws not-found where an image is of another platform than asked for: there is one image of a name. */
export function requireFit(view: ImageView, asked: readonly AskedPlatform[], reference: string): void {
  const other = asked.find((one) => !fits(view, one));
  if (other !== undefined) throw notFound(`image with reference ${reference} was found but its platform (${formatPlatform(view)}) does not match the specified platform (${other.name})`);
}
