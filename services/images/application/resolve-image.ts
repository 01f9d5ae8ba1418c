import { BerthError, invalid, notFound } from '#libs/errors/errors.js';
import { parseManifest, type ImageManifest } from '#libs/oci/manifest.js';
import { best, formatPlatform, type Platform } from '#libs/oci/platform.js';
import { familiar, familiarName, type Reference } from '#libs/oci/reference.js';
import type { FetchedManifest, RegistryClient } from '../adapters/registry-client.js';
import { RegistryError } from '../adapters/registry-error.js';

export interface Resolved {
  /** What the tag or digest names: an index, or the manifest itself. */
  readonly root: FetchedManifest;
  readonly manifest: ImageManifest;
  readonly fetched: FetchedManifest;
}

const DEEPEST = 3;

/** The manifest that a reference means on a platform. Rejects as not-found in dockerd's words. */
export async function resolveImage(client: RegistryClient, reference: Reference, platform: Platform): Promise<Resolved> {
  try {
    const root = await client.manifest(reference.digest ?? reference.tag ?? 'latest');
    return await descend(client, root, root, platform, reference, 0);
  } catch (error) {
    throw inDockersWords(error, reference);
  }
}

async function descend(client: RegistryClient, root: FetchedManifest, fetched: FetchedManifest, platform: Platform, reference: Reference, depth: number): Promise<Resolved> {
  const manifest = parseManifest(fetched.bytes, fetched.mediaType);
  if (manifest.kind === 'manifest') return { root, manifest, fetched };
  if (depth >= DEEPEST) throw invalid(`${familiar(reference)} nests image indexes too deeply`);
  const chosen = best(platform, manifest.manifests);
  if (!chosen) throw notFound(`no matching manifest for ${formatPlatform(platform)} in the manifest list entries`);
  return await descend(client, root, await client.manifest(chosen.digest), platform, reference, depth + 1);
}

/** Clients match on these texts. */
export function inDockersWords(error: unknown, reference: Reference): unknown {
  if (error instanceof BerthError || !(error instanceof RegistryError)) return error;
  if (error.code === 'NAME_UNKNOWN') return notFound(`repository ${familiarName(reference)} not found: ${error.message}`);
  if (error.isUnknown) return notFound(`manifest for ${familiar(reference)} not found: ${error.code === 'MANIFEST_UNKNOWN' ? 'manifest unknown: manifest unknown' : error.message}`);
  if (error.isDenied) return notFound(`pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`);
  return new BerthError('unavailable', error.message, { cause: error });
}
