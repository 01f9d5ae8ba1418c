import type { PullImage } from '#contracts/images/images.js';
import { invalid } from '#libs/errors/errors.js';
import { isFields } from './create-request.js';

type RegistryAuth = NonNullable<PullImage['auth']>;

export const CREDENTIALS = ['username', 'password', 'identitytoken', 'serveraddress'] as const;

/** The X-Registry-Auth header: base64url of JSON. Absent when it holds no credentials. Its content appears in no error text. */
export function readRegistryAuth(header: string | readonly string[] | undefined): RegistryAuth | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(header, 'base64url').toString());
  } catch {
    throw invalid('X-Registry-Auth is not JSON in base64url');
  }
  const auth = readCredentials(decoded);
  return Object.keys(auth).length === 0 ? undefined : auth;
}

/** What of a client's AuthConfig says something. */
export function readCredentials(given: unknown): RegistryAuth {
  if (!isFields(given)) return {};
  return Object.fromEntries(CREDENTIALS.flatMap((name) => (typeof given[name] === 'string' && given[name] !== '' ? [[name, given[name]]] : [])));
}
