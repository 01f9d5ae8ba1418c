import { BerthError, invalid, unauthorized } from '#libs/errors/errors.js';
import { isObject, parseJson } from '#libs/oci/bounded-json.js';
import { fetchAnyPort } from './any-port.js';
import { boundedBytes } from './bounded-body.js';
import { registryError } from './registry-error.js';

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  /** What a token server would give. */
  readonly registrytoken?: string;
}

interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

const CLIENT = 'berth';
const TIMEOUT_MS = 30_000;
const LONGEST_TOKEN = 1 << 20;

/** Who we are to one registry, for one repository: answers its challenges (RFC 7235, distribution's token authentication). Holds secrets: never print it. */
export class RegistryAuth {
  private header: string | undefined;
  private kept = '';

  constructor(
    private readonly credentials: Credentials | undefined,
    /** "repository:library/debian:pull" */
    private readonly scope: string,
    /** Who may hear of the credentials over plain HTTP, and by https without a certificate. */
    private readonly isInsecure: (url: URL) => boolean,
    /** A token that stands for name and password from now on is asked for, too. */
    private readonly staysLoggedIn = false,
  ) {}

  /** The token that stands for name and password; '' where the registry gave none. */
  get identityToken(): string {
    return this.kept;
  }

  get authorization(): Record<string, string> {
    return this.header === undefined ? {} : { authorization: this.header };
  }

  /** Gets what a 401 asks for. False: nothing more can be offered. */
  async answer(response: Response): Promise<boolean> {
    const challenge = parseChallenge(response.headers.get('www-authenticate') ?? '');
    if (!challenge) return false;
    const before = this.header;
    this.header = challenge.scheme === 'basic' ? this.basic() : `Bearer ${await this.token(challenge.parameters, new URL(response.url))}`;
    return this.header !== undefined && this.header !== before;
  }

  private basic(): string | undefined {
    const { username, password } = this.credentials ?? {};
    return username ? `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` : undefined;
  }

  private async token(parameters: Readonly<Record<string, string>>, registry: URL): Promise<string> {
    const asked = { isInsecure: this.isInsecure, inNameOf: registry };
    if (this.credentials?.registrytoken) return this.credentials.registrytoken;
    const realm = parseRealm(parameters['realm'] ?? '');
    if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && this.isInsecure(realm))) throw invalid(`the registry asks to log in at ${realm.origin}, which is not secure`);
    const scope = parameters['scope'] || this.scope;
    const service = parameters['service'] ?? '';
    const identity = this.credentials?.identitytoken;
    let response: Response;
    if (identity) {
      const body = new URLSearchParams({ grant_type: 'refresh_token', service, client_id: CLIENT, scope, refresh_token: identity });
      response = await fetchAnyPort(realm, { method: 'POST', body, signal: AbortSignal.timeout(TIMEOUT_MS), ...asked });
    } else {
      if (service) realm.searchParams.set('service', service);
      for (const one of scope.split(' ').filter(Boolean)) realm.searchParams.append('scope', one);
      if (this.staysLoggedIn) realm.searchParams.set('offline_token', 'true');
      if (this.staysLoggedIn) realm.searchParams.set('client_id', CLIENT);
      const basic = this.basic();
      if (basic && this.credentials?.username) realm.searchParams.set('account', this.credentials.username);
      response = await fetchAnyPort(realm, { headers: basic ? { authorization: basic } : {}, signal: AbortSignal.timeout(TIMEOUT_MS), ...asked });
    }
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      throw unauthorized('unauthorized: incorrect username or password');
    }
    if (!response.ok) throw await registryError(response);
    const answer: unknown = parseJson(await boundedBytes(response, LONGEST_TOKEN, 'token'), "the registry's token", LONGEST_TOKEN);
    const token = isObject(answer) ? (answer['token'] ?? answer['access_token']) : undefined;
    if (typeof token !== 'string' || token === '') throw new BerthError('unauthorized', 'the registry gave no token');
    if (isObject(answer) && typeof answer['refresh_token'] === 'string') this.kept = answer['refresh_token'];
    return token;
  }
}

function parseRealm(text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw invalid('the registry asks to log in, but does not say where', error);
  }
}

/** `Bearer realm="…",service="…",scope="…"`; a Bearer is preferred to a Basic. */
function parseChallenge(header: string): Challenge | undefined {
  const bearer = /\bbearer\s+(.*)$/i.exec(header);
  if (bearer) {
    const parameters: Record<string, string> = {};
    for (const [, key, quoted, plain] of bearer[1]!.matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi)) parameters[key!.toLowerCase()] = quoted ?? plain ?? '';
    return { scheme: 'bearer', parameters };
  }
  return /\bbasic\b/i.test(header) ? { scheme: 'basic', parameters: {} } : undefined;
}
