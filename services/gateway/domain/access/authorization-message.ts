/** What dockerd asks an authorization plugin (docs.docker.com, "Access authorization plugin"; fields in its order, what is empty left out). */
export interface AuthorizationMessage {
  readonly User?: string;
  readonly UserAuthNMethod?: 'TLS';
  readonly RequestMethod: string;
  readonly RequestUri: string;
  /** base64, of JSON bodies alone. */
  readonly RequestBody?: string;
  readonly RequestHeaders?: Readonly<Record<string, string>>;
  /** Each the base64 of a certificate in PEM. */
  readonly RequestPeerCertificates?: readonly string[];
  readonly ResponseBody?: string;
  readonly ResponseStatusCode?: number;
  readonly ResponseHeaders?: Readonly<Record<string, string>>;
}

/** A request as it came in, before versions are taken out of its URL. */
export interface AskedOfPlugins {
  readonly method: string;
  readonly uri: string;
  /** Names and values in turn, as on the wire. */
  readonly rawHeaders: readonly string[];
  /** What the engine reads as JSON, whatever a header calls it; '' where there is nothing. */
  readonly body: string;
  /** The certificate's, where there is one. */
  readonly certificate?: { readonly commonName: string; readonly pem: string };
}

export interface AnsweredByEngine {
  /** 0: not told. */
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string | Uint8Array;
}

/** Of these a plugin shall not learn. */
const SECRET = new Set(['authorization', 'x-registry-config', 'x-registry-auth']);
/** Go's server takes these out of the headers. */
const NOT_HEADERS = new Set(['host', 'transfer-encoding', 'trailer']);

export function requestMessage({ method, uri, rawHeaders, body, certificate }: AskedOfPlugins): AuthorizationMessage {
  const pairs = rawHeaders.flatMap((name, index): (readonly [string, string])[] => (index % 2 === 0 && !NOT_HEADERS.has(name.toLowerCase()) ? [[name, rawHeaders[index + 1] ?? '']] : []));
  const headers = shownHeaders(pairs);
  return {
    ...(certificate?.commonName ? { User: certificate.commonName } : {}),
    ...(certificate === undefined ? {} : { UserAuthNMethod: 'TLS' as const }),
    RequestMethod: method,
    RequestUri: uri,
    ...(body !== '' && !isLogin(uri) ? { RequestBody: base64(body) } : {}),
    ...(Object.keys(headers).length === 0 ? {} : { RequestHeaders: headers }),
    ...(certificate === undefined ? {} : { RequestPeerCertificates: [base64(certificate.pem)] }),
  };
}

/** The same message again, with what the engine is about to answer. */
export function responseMessage(asked: AuthorizationMessage, { status, headers: given, body }: AnsweredByEngine): AuthorizationMessage {
  const headers = shownHeaders(Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const])));
  return {
    ...asked,
    ...(body.length > 0 && isJson(headers['Content-Type']) && !isLogin(asked.RequestUri) ? { ResponseBody: base64(body) } : {}),
    ...(status === 0 ? {} : { ResponseStatusCode: status }),
    ...(Object.keys(headers).length === 0 ? {} : { ResponseHeaders: headers }),
  };
}

/** Of which no body is told. A path ends where the router takes it to end. */
const isLogin = (uri: string): boolean => uri.replace(/[?#].*/s, '').endsWith('/auth');

const isJson = (contentType = ''): boolean => contentType.replace(/;.*/s, '').trim().toLowerCase() === 'application/json';

/** By Go's canonical names; of a header that comes several times the last value. */
function shownHeaders(pairs: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.filter(([name]) => !SECRET.has(name.toLowerCase())).map(([name, value]) => [name.toLowerCase().replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase()), value]));
}

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString('base64');
