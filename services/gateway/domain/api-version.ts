import { posix } from 'node:path';
import { invalid } from '#libs/errors/errors.js';

/** The newest and the oldest Engine API version that Berth speaks; the texts of the refusals are dockerd's, since clients parse them. */
export const API_VERSION = '1.51';
export const MIN_API_VERSION = '1.24';

/** Any digits and dots, as dockerd's routes have it: "/v1/info" is of a version that is too old, and no unknown path. */
const PREFIX = /^\/v([\d.]+)(?=\/|\?|$)/;

/** Of a request by way of a proxy, which names the host that it is for (RFC 9112, "absolute-form"). */
const ORIGIN = /^https?:\/\/[^/?]*/i;

/** The version a request path names ("/v1.43/info" is "1.43"); absent when it names none. */
export function versionOf(url: string): string | undefined {
  return PREFIX.exec(url.replace(ORIGIN, ''))?.[1];
}

export function withoutVersion(url: string): string {
  const rest = url.replace(ORIGIN, '').replace(PREFIX, '');
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
}

/** Where dockerd's router sends a client whose path has empty parts, "." or "..": base URLs that end in a slash make such. Undefined for any other. */
export function cleaned(url: string): string | undefined {
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(url.replace(ORIGIN, '')) ?? [];
  const clean = posix.normalize(`/${path}`);
  return clean === path || path === '' ? undefined : clean + query;
}

export function isAtLeast(version: string, floor: string): boolean {
  const [parts, floorParts] = [version.split('.').map(Number), floor.split('.').map(Number)];
  for (let at = 0; at < Math.max(parts.length, floorParts.length); at++) {
    const difference = (parts[at] ?? 0) - (floorParts[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Throws `invalid` for a version outside of what Berth speaks. */
export function requireSupported(version: string): void {
  if (!isAtLeast(version, MIN_API_VERSION)) {
    throw invalid(`client version ${version} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`);
  }
  if (!isAtLeast(API_VERSION, version)) {
    throw invalid(`client version ${version} is too new. Maximum supported API version is ${API_VERSION}`);
  }
}
