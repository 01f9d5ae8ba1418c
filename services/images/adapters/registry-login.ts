import { unauthorized, unclassified } from '#libs/errors/errors.js';
import { InsecureRegistries } from './insecure-registries.js';
import { RegistryAuth, type Credentials } from './registry-auth.js';
import { fetchFrom } from './registry-client.js';

const DOCKER_HUB = 'registry-1.docker.io';

/**
 * Whether a registry takes these credentials: asks it for its base (distribution-spec, "Determining Support"), and answers what it asks back. Resolves to the token
 * that stands for them from now on, or ''. Rejects as unauthorized, in dockerd's words.
 */
export async function logIn(server: string, credentials: Credentials, insecureNames: readonly string[]): Promise<string> {
  const insecure = new InsecureRegistries(insecureNames);
  const url = `${await insecure.originOf(hostOf(server))}/v2/`;
  const auth = new RegistryAuth(credentials, '', insecure.areAt, true);
  let response = await fetchFrom(url, {}, insecure.areAt);
  if (response.status === 401) {
    await response.body?.cancel();
    if (await auth.answer(response)) response = await fetchFrom(url, auth.authorization, insecure.areAt);
  }
  await response.body?.cancel();
  if (response.ok) return auth.identityToken;
  const failure = `login attempt to ${url} failed with status: ${response.status} ${response.statusText}`;
  throw response.status === 401 || response.status === 403 ? unauthorized(failure) : unclassified(failure);
}

/** "https://index.docker.io/v1/", "host:5000", or nothing for Docker's own. */
function hostOf(server: string): string {
  const [host = ''] = server.replace(/^https?:\/\//, '').split('/', 1);
  return host === '' || host === 'docker.io' || host === 'index.docker.io' ? DOCKER_HUB : host;
}
