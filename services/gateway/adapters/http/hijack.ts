import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { parse } from 'node:querystring';
import { StartExec } from '#contracts/containers/commands.js';
import { GetExec } from '#contracts/containers/queries.js';
import { errorMessage, invalid, toErrorReply } from '#libs/errors/errors.js';
import { attachRequest, openAttach } from '../../application/attach.js';
import type { ContainerFeed } from '../../application/container-feed.js';
import type { EngineClient } from '../../application/engine-client.js';
import { API_VERSION, isAtLeast, MIN_API_VERSION, versionOf, withoutVersion } from '../../domain/api-version.js';
import { isFields } from '../../domain/create-request.js';
import { parseDetachKeys, watchingFor } from '../../domain/detach-keys.js';
import { ERROR_STATUS } from '../../domain/error-status.js';
import { text } from '../../domain/query-values.js';
import { contextOf } from './asked.js';
import { ENGINE_HEADERS } from './engine-headers.js';
import { admitUpgrade, type Guards } from './guard.js';
import { splice } from './splice.js';
import { tracedUpgrade } from './trace-requests.js';
import { reportUnforeseen } from './unforeseen.js';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

const ATTACH = /^\/containers\/([^/?]+)\/attach(?:\?|$)/;
const EXEC_START = /^\/exec\/([^/?]+)\/start(?:\?|$)/;
const BODY_LIMIT_BYTES = 64 * 1024;
/** Clients ask for an exec's exit code as soon as its stream ends: the end is held back until it is known, at most so long. */
export const EXIT_CODE_DEADLINE_MS = 5_000;

/** Whether a request wants its connection turned into a byte stream. All others with an Upgrade header (h2c for /session) are plain requests. */
export function isHijack(request: IncomingMessage): boolean {
  const url = withoutVersion(request.url ?? '');
  return request.method === 'POST' && request.headers.upgrade?.toLowerCase() === 'tcp' && speaks(request) && (ATTACH.test(url) || EXEC_START.test(url));
}

function speaks(request: IncomingMessage): boolean {
  const version = versionOf(request.url ?? '');
  return version === undefined || (isAtLeast(version, MIN_API_VERSION) && isAtLeast(API_VERSION, version));
}

/** Terminals send raw bytes; other streams are framed, and named so from version 1.42 on. */
export function streamType(version: string | undefined, terminal: boolean): string {
  return !terminal && isAtLeast(version ?? API_VERSION, '1.42') ? MULTIPLEXED_STREAM : RAW_STREAM;
}

/** What a connection that is taken over uses of the gateway. */
export interface HijackParts {
  readonly engine: EngineClient;
  readonly feed: ContainerFeed;
  readonly guards: Guards;
}

/** Answers attach and exec start of clients that asked for an upgrade. Gives the connections open now: the server no longer counts them as its own. */
export function serveHijacks(server: Server, parts: HijackParts): ReadonlySet<Duplex> {
  const open = new Set<Duplex>();
  server.on('upgrade', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    if (head.length > 0) client.unshift(head);
    const route = EXEC_START.test(withoutVersion(request.url ?? '')) ? '/exec/:id/start' : '/containers/:id/attach';
    tracedUpgrade(request, route, () => hijack(request, client, parts)).catch((error: unknown) => {
      reportUnforeseen(error, `${request.method} ${route}`);
      refuse(client, error);
    });
  });
  return open;
}

async function hijack(request: IncomingMessage, client: Duplex, { engine, feed, guards }: HijackParts): Promise<void> {
  const url = withoutVersion(request.url ?? '');
  const query = parse(url.split('?', 2)[1] ?? '');
  const context = contextOf(request, query);
  const version = versionOf(request.url ?? '');
  const keys = parseDetachKeys(text(query, 'detachKeys') ?? '');
  const named = EXEC_START.exec(url)?.[1];
  if (named !== undefined) {
    const body = await readBody(request);
    const options = readExecStart(parsedBody(body));
    const exec = await admitUpgrade(request, guards, 'POST /exec/:id/start', decodeURIComponent(named), query, body);
    const reply = await engine.ask(StartExec, { exec, ...options }, context);
    if (reply.endpoint === undefined) return void client.end(head('200 OK', { 'Content-Length': '0', Connection: 'close' }));
    const stream = await engine.open(reply.endpoint);
    client.write(upgraded(streamType(version, reply.terminal)));
    // Clients ask for the exit code as soon as the stream ends: it shall be known by then.
    const beforeEnd = (): Promise<unknown> => engine.ask(GetExec, { exec, settleMs: EXIT_CODE_DEADLINE_MS }, context);
    return splice(client, stream, { stdin: true, beforeEnd, ...(reply.terminal ? { detach: watchingFor(keys) } : {}) });
  }
  const container = await admitUpgrade(request, guards, 'POST /containers/:id/attach', decodeURIComponent(ATTACH.exec(url)?.[1] ?? ''), query);
  const asked = attachRequest(container, query);
  const abort = new AbortController();
  client.once('close', () => abort.abort());
  const attached = await openAttach(engine, feed, asked, context, abort.signal);
  client.write(upgraded(streamType(version, attached.terminal)));
  if (attached.logs !== undefined) {
    for await (const bytes of await engine.open(attached.logs)) client.write(bytes);
  }
  const stream = await attached.stream().catch(() => undefined);
  if (stream === undefined) return void client.end();
  return splice(client, stream, { stdin: asked.stdin, ...(attached.terminal && asked.stdin ? { detach: watchingFor(keys) } : {}) });
}

export function readExecStart(body: unknown): { readonly detach: boolean; readonly consoleSize?: number[] } {
  const fields = isFields(body) ? body : {};
  const size = fields.ConsoleSize;
  return { detach: fields.Detach === true, ...(Array.isArray(size) && size.length === 2 && size.every(Number.isInteger) ? { consoleSize: size as number[] } : {}) };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const bytes of request) {
    body += String(bytes);
    if (body.length > BODY_LIMIT_BYTES) throw invalid('the request body is too large');
  }
  return body;
}

function parsedBody(body: string): unknown {
  try {
    return body === '' ? undefined : JSON.parse(body);
  } catch (error) {
    throw invalid(`the request body is not JSON: ${errorMessage(error)}`, error);
  }
}

const upgraded = (type: string): string => head('101 UPGRADED', { 'Content-Type': type, Connection: 'Upgrade', Upgrade: 'tcp' });

function head(status: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...headers, ...ENGINE_HEADERS }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`;
}

/** After the 101 nothing can be said any more, so only errors before it come here with a client that still listens. */
function refuse(client: Duplex, error: unknown): void {
  const { kind, message } = toErrorReply(error);
  const body = `${JSON.stringify({ message })}\n`;
  client.end(head(`${ERROR_STATUS[kind]} ${kind}`, { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }) + body);
  client.resume();
}
