import { Agent as PlainAgent, request as requestPlain, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { Readable } from 'node:stream';
import { proxyFor, readProxies, type Proxies } from '#libs/settings/proxies.js';
import { type RegistryCertificates, registryCertificates } from './registry-certificates.js';

interface Asked {
  readonly method?: 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams;
  readonly signal: AbortSignal;
  /** Who is believed by https without a certificate. Others never are. */
  readonly isInsecure?: (url: URL) => boolean;
  /** The registry whose certificates count, where it is another that is asked for its sake: a token server, or who a redirect leads to. As with dockerd, which has no more for them. */
  readonly inNameOf?: URL;
  /** `manual`: an answer that leads elsewhere is the answer. */
  readonly redirect?: 'manual';
}

/** As the fetch standard has it. */
const MOST_REDIRECTS = 20;
const EMPTY = new Set([204, 205, 304]);

/**
 * fetch, that goes to any port, and by the proxies of this environment. The standard has ports that no web page may reach ("port blocking"), and registries
 * listen on some of them: 6000, 10080. Node's own way by proxies asks them for this machine's registries too, and knows no ranges of addresses in NO_PROXY.
 */
export async function fetchAnyPort(url: string | URL, asked: Asked, redirects = 0): Promise<Response> {
  const from = new URL(url);
  const answer = await answerOf(from, asked);
  const location = answer.headers.get('location');
  if (asked.redirect === 'manual' || ![301, 302, 303, 307, 308].includes(answer.status) || location === null) return answer;
  await answer.body?.cancel();
  if (redirects === MOST_REDIRECTS) throw new Error('redirect count exceeded');
  const next = new URL(location, from);
  const { authorization: _ours, ...others } = asked.headers ?? {};
  const headers = next.origin === from.origin ? asked.headers : others;
  const { signal, isInsecure, inNameOf = from } = asked;
  const again = answer.status > 303 ? asked : { signal, ...(isInsecure && { isInsecure }) };
  // What is sent there tells who we are.
  if (again.body !== undefined && next.protocol !== 'https:' && isInsecure?.(next) !== true) throw new Error(`it leads to ${next.origin}, which is not secure`);
  return fetchAnyPort(next, { ...again, inNameOf, ...(headers === undefined ? {} : { headers }) }, redirects + 1);
}

async function answerOf(url: URL, asked: Asked): Promise<Response> {
  const isUnverified = url.protocol === 'https:' && asked.isInsecure?.(url) === true;
  const proxies = readProxies();
  // As dockerd, which looks for none where nothing is verified.
  const certificates = url.protocol === 'https:' && !isUnverified ? await registryCertificates(asked.inNameOf ?? url) : undefined;
  try {
    // It would follow a redirect by itself, to where another certificate is believed or none.
    if (proxies.http === '' && proxies.https === '' && !isUnverified && certificates === undefined) return await fetch(url, { ...asked, redirect: 'manual' });
  } catch (error) {
    if (!isBlockedPort(error)) throw error;
  }
  const answer = await ask(url, asked, proxies, { rejectUnauthorized: !isUnverified, ...certificates });
  return responseOf(answer, answer.statusCode ?? 0, url.href);
}

function isBlockedPort(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error && error.cause.message === 'bad port';
}

function ask(url: URL, { method, headers = {}, body, signal }: Asked, proxies: Proxies, tls: RegistryCertificates & { readonly rejectUnauthorized: boolean }): Promise<IncomingMessage> {
  const proxyEnv = { [url.protocol === 'https:' ? 'https_proxy' : 'http_proxy']: proxyFor(url, proxies)?.href };
  const text = body?.toString();
  const sent = text === undefined ? headers : { ...headers, 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8', 'content-length': String(Buffer.byteLength(text)) };
  return new Promise((resolve, reject) => {
    const options = { method: method ?? 'GET', headers: { accept: '*/*', 'user-agent': 'berth', ...sent }, signal };
    const request = url.protocol === 'https:' ? requestTls(url, { ...options, ...tls, agent: new TlsAgent({ proxyEnv }) }, resolve) : requestPlain(url, { ...options, agent: new PlainAgent({ proxyEnv }) }, resolve);
    request.on('error', reject).end(text);
  });
}

function responseOf(answer: IncomingMessage, status: number, url: string): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) for (const value of values) headers.append(name, value);
  const init = { status, statusText: answer.statusMessage ?? '', headers };
  if (EMPTY.has(status)) answer.resume();
  const response = new Response(EMPTY.has(status) ? null : (Readable.toWeb(answer) as ReadableStream), init);
  return Object.defineProperty(response, 'url', { value: url });
}
