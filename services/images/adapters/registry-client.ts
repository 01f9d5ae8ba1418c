import { internal, invalid, unavailable } from '#libs/errors/errors.js';
import { digestOf, isDigest } from '#libs/oci/digest.js';
import { MANIFEST_LIMIT_BYTES } from '#libs/oci/manifest.js';
import { MANIFEST_TYPES } from '#libs/oci/media-types.js';
import type { Reference } from '#libs/oci/reference.js';
import { fetchAnyPort } from './any-port.js';
import { boundedBytes } from './bounded-body.js';
import { RegistryAuth, type Credentials } from './registry-auth.js';
import { registryError } from './registry-error.js';

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
}

/** Docker Hub's API has another name than its images. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };
const ANSWER_TIMEOUT_MS = 60_000;

/** Pulls from one repository of one registry (distribution-spec). Plain HTTP only to the machine itself and to registries called insecure. */
export class RegistryClient {
  private readonly auth: RegistryAuth;
  private readonly base: string;

  constructor(
    repository: Reference,
    credentials: Credentials | undefined,
    insecure: readonly string[] = [],
  ) {
    const allowHttp = mayHttp(insecure);
    const host = HOSTS[repository.domain] ?? repository.domain;
    this.base = `${allowHttp(host) ? 'http' : 'https'}://${host}/v2/${repository.path}`;
    this.auth = new RegistryAuth(credentials, `repository:${repository.path}:pull`, allowHttp);
  }

  /** A manifest or index by tag or digest, verified where it is by digest. Rejects with RegistryError, unavailable or invalid. */
  async manifest(tagOrDigest: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const response = await this.get(`${this.base}/manifests/${tagOrDigest}`, { accept: MANIFEST_TYPES.join(', ') }, signal);
    const bytes = await boundedBytes(response, MANIFEST_LIMIT_BYTES, 'manifest');
    const digest = digestOf(bytes);
    if (isDigest(tagOrDigest) && digest !== tagOrDigest) throw invalid(`the registry gave another manifest than ${tagOrDigest}`);
    return { bytes, digest, mediaType: (response.headers.get('content-type') ?? '').split(';')[0]!.trim() };
  }

  /** A blob's bytes, unverified: the content store does that. No node stream: one that fails before it is read would end the process. */
  async blob(digest: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.get(`${this.base}/blobs/${digest}`, {}, signal);
    if (!body) throw internal(`the registry gave nothing for ${digest}`);
    return body;
  }

  /** A small blob whole, verified. Rejects as invalid for other bytes than the digest's, and for more than the limit. */
  async smallBlob(digest: string, limitBytes: number): Promise<Buffer> {
    const bytes = await boundedBytes(await this.get(`${this.base}/blobs/${digest}`, {}), limitBytes, `blob ${digest}`);
    if (digestOf(bytes) !== digest) throw invalid(`the registry gave another blob than ${digest}`);
    return bytes;
  }

  private async get(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const response = await fetchFrom(url, { ...headers, ...this.auth.authorization }, signal);
      if (response.ok) return response;
      const refusal = await registryError(response);
      if (response.status !== 401 || attempt === 2 || !(await this.auth.answer(response))) throw refusal;
    }
  }
}

/** Redirects are followed; to another host without our authorization (fetch standard, HTTP-redirect fetch). Rejects as unavailable where nobody answers. */
export async function fetchFrom(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('no answer in time')), ANSWER_TIMEOUT_MS);
  try {
    return await fetchAnyPort(url, { headers: { ...headers, 'accept-encoding': 'identity' }, signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw unavailable(`Get "${url}": ${cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause)}`, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Plain HTTP goes only to the machine itself and to registries called insecure. */
export const mayHttp = (insecure: readonly string[]) => (host: string): boolean => isLoopback(host) || insecure.includes(host);

/** Host, or host and port, of the machine itself: 127.0.0.0/8, ::1, localhost. */
function isLoopback(host: string): boolean {
  const name = host.replace(/:[0-9]+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
