import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage } from '#libs/errors/errors.js';
import { listenAtPath } from '#libs/linux/unix-socket.js';

/** `port` (0: a free one) at an IP address, by default on the loopback interface, or a unix socket that group and owner may open (0660). */
export type TelemetryAddress = { readonly port: number; readonly host?: string } | { readonly path: string };

export interface TelemetryAnswer {
  /** Absent: 200. */
  readonly status?: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** Answers one GET; `accept` is the request's Accept header, '' without one. By `gone` it learns that nobody waits for the answer any more. A throw, or a rejection, is answered with 500 and its message. */
export type TelemetryRoute = (query: URLSearchParams, accept: string, gone: AbortSignal) => TelemetryAnswer | Promise<TelemetryAnswer>;

export interface TelemetryServer {
  /** Of the first `port` address; 0 without one. */
  readonly port: number;
  /** Ends all connections and removes the sockets. A second call changes nothing. */
  close(): Promise<void>;
}

/** Anybody on the machine may come to a port, and neither many nor slow ones may hold up the process: those beyond so many are closed at once. */
const CONNECTIONS = 64;
/** For a request, for the next one of a connection, and for whoever takes nothing of its answer; in ms. */
const IDLE_MS = 5_000;
/** From a request to the last byte of its answer; in ms. */
const ANSWER_MS = 30_000;

/**
 * The small HTTP server of one process, for what watches it from outside: /metrics, /healthz, /readyz. Never for clients of the engine. A route is a
 * path to the letter ("/readyz/containers"). The table may grow after the start. Rejects when an address cannot be listened on.
 */
export async function serveTelemetry(addresses: readonly TelemetryAddress[], routes: ReadonlyMap<string, TelemetryRoute>): Promise<TelemetryServer> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => void (await Promise.all(servers.splice(0).map(closeServer)));
  try {
    for (const address of addresses) servers.push(await listen(address, routes));
  } catch (error) {
    await close();
    throw error;
  }
  const port = servers.map((server) => server.address()).find((address): address is AddressInfo => typeof address === 'object')?.port ?? 0;
  return { port, close };
}

async function listen(address: TelemetryAddress, routes: ReadonlyMap<string, TelemetryRoute>): Promise<Server> {
  const timeouts = { headersTimeout: IDLE_MS, requestTimeout: IDLE_MS, keepAliveTimeout: IDLE_MS, connectionsCheckingInterval: 1_000 };
  const server = createServer(timeouts, (request, response) => void answer(request, response, routes));
  if ('port' in address) server.maxConnections = CONNECTIONS;
  if ('path' in address) await rm(address.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if ('path' in address) listenAtPath(server, address.path, resolve);
    else server.listen(address.port, address.host ?? '127.0.0.1', resolve);
  });
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, routes: ReadonlyMap<string, TelemetryRoute>): Promise<void> {
  const late = setTimeout(() => request.socket.destroy(), ANSWER_MS).unref();
  const gone = new AbortController();
  response.once('close', () => (clearTimeout(late), gone.abort()));
  const { status = 200, contentType, body } = await answerTo(request, routes, gone.signal);
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': bytes.length, 'Cache-Control': 'no-store' });
  response.setTimeout(IDLE_MS, () => request.socket.destroy());
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

async function answerTo(request: IncomingMessage, routes: ReadonlyMap<string, TelemetryRoute>, gone: AbortSignal): Promise<TelemetryAnswer> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD are answered here');
  const route = routes.get(path);
  if (route === undefined) return text(404, `there is ${[...routes.keys()].join(', ') || 'nothing'} here`);
  try {
    return await route(new URLSearchParams(query), request.headers.accept ?? '', gone);
  } catch (error) {
    return text(500, errorMessage(error));
  }
}

const text = (status: number, line: string): TelemetryAnswer => ({ status, contentType: 'text/plain; charset=utf-8', body: `${line}\n` });

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
