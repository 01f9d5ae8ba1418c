import { internal, invalid, unclassified } from '#libs/errors/errors.js';
import { parseJsonObject, strings } from '#libs/oci/bounded-json.js';
import { digestOf, isDigest } from '#libs/oci/digest.js';
import { MANIFEST_LIMIT_BYTES } from '#libs/oci/manifest.js';
import { MANIFEST_TYPES } from '#libs/oci/media-types.js';
import type { Reference } from '#libs/oci/reference.js';
import { fetchAnyPort } from './any-port.js';
import { boundedBytes } from './bounded-body.js';
import { InsecureRegistries } from './insecure-registries.js';
import { networkWords } from './network-words.js';
import { RegistryAuth, type Credentials } from './registry-auth.js';
import { RegistryError, registryError } from './registry-error.js';

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
}

/** A blob to its end. */
export interface BlobPart {
  /** Of its first byte. */
  readonly from: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Docker Hub's API has another name than its images. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };
const [PARTIAL, OUT_OF_RANGE] = [206, 416];
const ANSWER_TIMEOUT_MS = 60_000;
const TAGS_LIMIT_BYTES = 4 << 20;
const MOST_TAGS = 100_000;

/** Pulls from one repository of one registry (distribution-spec). */
export class RegistryClient {
  private readonly auth: RegistryAuth;
  private readonly host: string;
  private readonly insecure: InsecureRegistries;
  /** What it answered by, from the first time on. */
  private origin: string | undefined;
  private reached = false;

  constructor(
    private readonly repository: Reference,
    credentials: Credentials | undefined,
    insecure: readonly string[] = [],
  ) {
    this.host = HOSTS[repository.domain] ?? repository.domain;
    this.insecure = new InsecureRegistries(insecure);
    this.auth = new RegistryAuth(credentials, `repository:${repository.path}:pull`, this.insecure.areAt);
  }

  /** A manifest or index by tag or digest, verified where it is by digest. Rejects with RegistryError, invalid, or as fetchFrom does. */
  async manifest(tagOrDigest: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const response = await this.get(`${await this.base(signal)}/manifests/${tagOrDigest}`, { accept: MANIFEST_TYPES.join(', ') }, signal);
    const bytes = await boundedBytes(response, MANIFEST_LIMIT_BYTES, 'manifest');
    const digest = digestOf(bytes);
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) throw invalid(`the registry gave another manifest than ${tagOrDigest}`);
    return { bytes, digest, mediaType: (response.headers.get('content-type') ?? '').split(';')[0]!.trim() };
  }

  /** All tags of the repository, as the registry lists them, page by page. Rejects as `manifest` does. */
  async tags(): Promise<readonly string[]> {
    const tags = new Set<string>();
    for (let url: string | undefined = `${await this.base()}/tags/list`; url !== undefined; ) {
      const response = await this.get(url, {});
      const page = parseJsonObject(await boundedBytes(response, TAGS_LIMIT_BYTES, 'list of tags'), "the registry's list of tags", TAGS_LIMIT_BYTES);
      const before = tags.size;
      for (const tag of strings(page['tags'], "the registry's list of tags") ?? []) tags.add(tag);
      if (tags.size > MOST_TAGS) throw invalid(`the registry lists more than ${MOST_TAGS} tags`);
      // Each page brings some: a registry that leads in circles comes to an end.
      url = tags.size > before ? nextPage(response.headers.get('link') ?? '', url) : undefined;
    }
    return [...tags];
  }

  /** A blob's bytes, unverified: the content store does that. Those of before `from` come, too, where the registry does not go on from there. No node stream: one that fails before it is read would end the process. */
  async blob(digest: string, signal?: AbortSignal, from = 0): Promise<BlobPart> {
    const url = `${await this.base(signal)}/blobs/${digest}`;
    const response = await this.get(url, from > 0 ? { range: `bytes=${from}-` } : {}, signal).catch((error: unknown) => {
      if (from === 0 || !(error instanceof RegistryError) || error.status !== OUT_OF_RANGE) throw error;
      return this.get(url, {}, signal);
    });
    const { body, status } = response;
    if (!body) throw internal(`the registry gave nothing for ${digest}`);
    if (status !== PARTIAL) return { from: 0, bytes: body };
    if (Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]) === from) return { from, bytes: body };
    await body.cancel();
    throw invalid(`the registry gave another part of ${digest} than was asked for`);
  }

  /** A small blob whole, verified. Rejects as invalid for other bytes than the digest's, and for more than the limit. */
  async smallBlob(digest: string, limitBytes: number): Promise<Buffer> {
    const bytes = await boundedBytes(await this.get(`${await this.base()}/blobs/${digest}`, {}), limitBytes, `blob ${digest}`);
    if (digestOf(bytes) !== digest) throw invalid(`the registry gave another blob than ${digest}`);
    return bytes;
  }

  private async base(signal?: AbortSignal): Promise<string> {
    this.origin ??= await this.insecure.originOf(this.host, signal);
    return `${this.origin}/v2/${this.repository.path}`;
  }

  private async get(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const response = await fetchFrom(url, { ...headers, ...this.auth.authorization }, this.insecure.areAt, signal, this.reached ? url : `${this.origin}/v2/`);
      this.reached = true;
      if (response.ok) return response;
      const refusal = await registryError(response);
      if (response.status !== 401 || attempt === 2 || !(await this.auth.answer(response))) throw refusal;
    }
  }
}

/** `</v2/…?last=x>; rel="next"` (RFC 8288), at the same registry: our authorization goes with it. */
function nextPage(link: string, of: string): string | undefined {
  const [, target] = /^\s*<([^>]*)>\s*;.*\brel="?next\b/i.exec(link) ?? [];
  if (target === undefined) return undefined;
  const next = URL.parse(target, of);
  if (next === null || next.origin !== new URL(of).origin) throw invalid('the registry lists its tags elsewhere');
  return next.href;
}

/** Redirects are followed; to another host without our authorization (fetch standard, HTTP-redirect fetch). Rejects where nobody answers, in Go's words, of `told`: dockerd's first request to a registry asks for /v2/, so it is of that one that people hear. */
export async function fetchFrom(url: string, headers: Record<string, string>, isInsecure: (url: URL) => boolean, signal?: AbortSignal, told = url): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('no answer in time')), ANSWER_TIMEOUT_MS);
  try {
    return await fetchAnyPort(url, { headers: { ...headers, 'accept-encoding': 'identity' }, signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal, isInsecure });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw unclassified(`Get "${told}": ${networkWords(cause)}`, error);
  } finally {
    clearTimeout(timer);
  }
}
