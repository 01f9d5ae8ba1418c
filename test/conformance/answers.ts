import { request } from 'node:http';
import type { ApiRequest } from './requests.js';

export interface Answer {
  readonly status: number;
  /** Those that clients read. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; a list of JSON lines; or text. */
  readonly body: unknown;
}

/** Bytes that requests with an archive send. */
export type Archives = Readonly<Record<'busybox' | 'rubbish', Buffer>>;

const HEADERS = ['content-type', 'api-version', 'docker-experimental', 'ostype', 'cache-control', 'pragma', 'swarm', 'server'];

/** Sends the requests in order and gives all answers by name. A request that hangs for 30 s rejects. */
export async function answersOf(socketPath: string, requests: readonly ApiRequest[], archives: Archives): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  const kept = new Map<string, string>();
  for (const wanted of requests) {
    if (answers.has(wanted.name)) throw new Error(`two requests are named ${wanted.name}`);
    const path = wanted.path.replace(/\{(\w+)\}/g, (_, name: string) => kept.get(name) ?? 'missing');
    const answer = await ask(socketPath, wanted, path, archives);
    for (const [name, field] of Object.entries(wanted.keep ?? {})) kept.set(name, String((answer.body as Record<string, unknown> | undefined)?.[field]));
    answers.set(wanted.name, answer);
  }
  return answers;
}

function ask(socketPath: string, wanted: ApiRequest, path: string, archives: Archives): Promise<Answer> {
  const { method, body, archive, ignoreBody = false } = wanted;
  const bytes = archive !== undefined ? archives[archive] : body === undefined ? undefined : typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const headers = { ...(bytes === undefined ? {} : { 'content-type': archive === undefined ? 'application/json' : 'application/x-tar', 'content-length': String(bytes.length) }), ...wanted.headers };
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers, agent: false, timeout: 30_000 }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const told = Object.fromEntries(HEADERS.flatMap((name) => (incoming.headers[name] === undefined ? [] : [[name, String(incoming.headers[name])]])));
        resolve({ status: incoming.statusCode ?? 0, headers: told, body: ignoreBody ? 'ignored' : bodyOf(Buffer.concat(chunks)) });
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path} within 30 s`)));
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

function bodyOf(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  if (!/^[[{]/.test(text)) return text;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  try {
    return lines.length === 1 ? JSON.parse(text) : lines.map((line) => JSON.parse(line) as unknown);
  } catch {
    return text;
  }
}
