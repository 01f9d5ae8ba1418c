import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { Readable } from 'node:stream';

interface Asked {
  readonly method?: 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams;
  readonly signal: AbortSignal;
}

/** As the fetch standard has it. */
const MOST_REDIRECTS = 20;
const EMPTY = new Set([204, 205, 304]);

/** fetch, that goes to any port. The standard has ports that no web page may reach ("port blocking"), and registries listen on some of them: 6000, 10080. */
export async function fetchAnyPort(url: string | URL, asked: Asked, redirects = 0): Promise<Response> {
  try {
    return await fetch(url, asked);
  } catch (error) {
    if (!isBlockedPort(error)) throw error;
  }
  const answer = await ask(new URL(url), asked);
  const status = answer.statusCode ?? 0;
  const location = answer.headers.location;
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return responseOf(answer, status);
  answer.destroy();
  if (redirects === MOST_REDIRECTS) throw new Error('redirect count exceeded');
  const next = new URL(location, url);
  const { authorization: _ours, ...others } = asked.headers ?? {};
  const headers = next.origin === new URL(url).origin ? asked.headers : others;
  const again = status > 303 ? asked : { signal: asked.signal };
  return fetchAnyPort(next, { ...again, ...(headers === undefined ? {} : { headers }) }, redirects + 1);
}

function isBlockedPort(error: unknown): boolean {
  return error instanceof TypeError && error.cause instanceof Error && error.cause.message === 'bad port';
}

function ask(url: URL, { method, headers = {}, body, signal }: Asked): Promise<IncomingMessage> {
  const text = body?.toString();
  const sent = text === undefined ? headers : { ...headers, 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8', 'content-length': String(Buffer.byteLength(text)) };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestTls : requestPlain)(url, { method: method ?? 'GET', headers: sent, signal, agent: false }, resolve);
    request.on('error', reject).end(text);
  });
}

function responseOf(answer: IncomingMessage, status: number): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(answer.headersDistinct)) for (const value of values) headers.append(name, value);
  const init = { status, statusText: answer.statusMessage ?? '', headers };
  if (!EMPTY.has(status)) return new Response(Readable.toWeb(answer) as ReadableStream, init);
  answer.resume();
  return new Response(null, init);
}
