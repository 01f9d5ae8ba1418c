import { invalid } from '#libs/errors/errors.js';
import { isDigest } from './digest.js';

/** A name as people type it, with the defaults filled in (distribution-spec; the grammar is Docker's). */
export interface Reference {
  /** Host and port: "docker.io", "localhost:5000". */
  readonly domain: string;
  /** "library/debian" */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

const DEFAULT_DOMAIN = 'docker.io';
/** What Docker Hub was called once; still typed. */
const LEGACY_DOMAIN = 'index.docker.io';
const OFFICIAL = 'library/';
const LONGEST_NAME = 255;
const DOMAIN = /^(?:\[[0-9a-fA-F:]+\]|(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*)(?::[0-9]+)?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** Parses and fills in domain and "library/", not the tag. Throws invalid in Docker's words. */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) throw refused(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw refused('invalid reference format');
  let name = at < 0 ? text : text.slice(0, at);
  let tag: string | undefined;
  const colon = name.lastIndexOf(':');
  if (colon > name.lastIndexOf('/')) {
    tag = name.slice(colon + 1);
    name = name.slice(0, colon);
    if (!TAG.test(tag)) throw refused('invalid reference format');
  }
  const { domain, path } = splitDomain(name);
  if (path.toLowerCase() !== path) throw refused(`invalid reference format: repository name (${path}) must be lowercase`);
  if (!DOMAIN.test(domain) || !path.split('/').every((part) => COMPONENT.test(part))) throw refused('invalid reference format');
  if (domain.length + 1 + path.length > LONGEST_NAME) throw refused(`repository name must not be more than ${LONGEST_NAME} characters`);
  return { domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** As parseReference, and ":latest" where neither a tag nor a digest is given. */
export function parseTagged(text: string): Reference {
  const reference = parseReference(text);
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** A tag that is to be given, in familiar form, ":latest" where it has none. Throws invalid in Docker's words, also for what can be none. */
export function parseNewTag(text: string): string {
  const reference = parseTagged(text);
  if (reference.digest !== undefined) throw refused('refusing to create a tag with a digest reference');
  refuseAmbiguous(reference);
  return familiar(reference);
}

/** "sha256:aa" would be a tag, and the beginning of an id. */
export function refuseAmbiguous(reference: Reference): void {
  if (familiarName(reference) === 'sha256') throw refused('refusing to create an ambiguous tag using digest algorithm as name');
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  // A first part is a host when it looks like one: otherwise it is a user of the default registry.
  const isHost = slash >= 0 && (first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first);
  let domain = isHost ? first : DEFAULT_DOMAIN;
  let path = isHost ? name.slice(slash + 1) : name;
  if (domain === LEGACY_DOMAIN) domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !path.includes('/')) path = OFFICIAL + path;
  return { domain, path };
}

/** "debian" of docker.io/library/debian, without tag and digest: what Docker shows. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  return path.startsWith(OFFICIAL) && !path.slice(OFFICIAL.length).includes('/') ? path.slice(OFFICIAL.length) : path;
}

/** "debian:latest", "debian@sha256:…": the shortest text that parses to the same. */
export function familiar(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** "docker.io/library/debian:latest" */
export function canonical(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffix(reference)}`;
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

const refused = (message: string) => invalid(message);
