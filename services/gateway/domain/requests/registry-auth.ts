import type { PullImage } from '#contracts/images/images.js';
import { unclassified } from '#libs/errors/errors.js';
import { isFields } from './create-request.js';
import { bodyFields } from './go-fields.js';
import { asGoSaysIt } from './read-json.js';

type RegistryAuth = NonNullable<PullImage['auth']>;

const CREDENTIALS = ['username', 'password', 'identitytoken', 'serveraddress'] as const;
/** A client may have got a registry's token by itself. */
const OF_A_PULL = [...CREDENTIALS, 'registrytoken'] as const;

/** The X-Registry-Auth header of a pull: base64url of JSON. Absent when it holds no credentials, or is none: dockerd pulls without. */
export function readRegistryAuth(header: string | readonly string[] | undefined): RegistryAuth | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  const auth = readFields(jsonOf(Buffer.from(header, 'base64url').toString()), OF_A_PULL);
  return Object.keys(auth).length === 0 ? undefined : auth;
}

/** What of the body of POST /auth, an AuthConfig, says something. Throws for what is none, in Go's words. */
export function readCredentials(body: unknown): Omit<RegistryAuth, 'registrytoken'> {
  if (body === undefined || body === null) throw unclassified('EOF');
  try {
    return readFields(bodyFields(body, 'registry.AuthConfig'), CREDENTIALS);
  } catch (error) {
    throw asGoSaysIt(error);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readFields(given: unknown, names: readonly (keyof RegistryAuth)[]): RegistryAuth {
  if (!isFields(given)) return {};
  return Object.fromEntries(names.flatMap((name) => (typeof given[name] === 'string' && given[name] !== '' ? [[name, given[name]]] : [])));
}
