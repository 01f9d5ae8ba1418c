import { readFile } from 'node:fs/promises';
import { constants } from 'node:crypto';
import { createServer as createPlainServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { errorMessage, invalid } from '#libs/errors/errors.js';
import { isLoopback, type TcpSettings, type TlsFiles } from '#libs/settings/tcp-settings.js';
import { isHijack } from '../streams/hijack.js';
import { HEAD_LIMIT_BYTES } from './unreadable-requests.js';

export interface TcpListener {
  readonly server: Server;
  /** Reads the certificates again, for connections to come. Rejects as invalid, and the old ones stay. */
  reload(): Promise<void>;
  close(): void;
}

/** As on the unix socket: streams are quiet for hours, and a client that keeps its connection shall not find it closed under its next request. */
const SERVER_OPTIONS = { requestTimeout: 0, keepAliveTimeout: 72_000, maxHeaderSize: HEAD_LIMIT_BYTES } as const;
/** A ticket would let in who once showed a certificate of an authority that is no longer ours. */
const PROTOCOL = { minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET } as const;

/**
 * Serves `handle` on TCP: to those who have a certificate of the configured authority, or on loopback without. Listens before it resolves. Rejects as invalid where
 * a file cannot be read or is no certificate, or the address is taken.
 */
export async function listenOnTcp(settings: TcpSettings, handle: RequestListener): Promise<TcpListener> {
  const { host, port, tls } = settings;
  const listener = tls === undefined ? plain(handle) : await encrypted(tls, handle);
  await new Promise<void>((resolve, reject) => {
    listener.server.once('error', (error) => reject(invalid(`BERTH_TCP=${host}:${port}: ${errorMessage(error)}`, error)));
    listener.server.listen({ host, port }, resolve);
  });
  return listener;
}

async function encrypted(files: TlsFiles, handle: RequestListener): Promise<TcpListener> {
  const options = {
    ...SERVER_OPTIONS,
    ...PROTOCOL,
    ...(await material(files)),
    requestCert: true,
    rejectUnauthorized: true,
    allowHalfOpen: true, // as plain HTTP servers: the end of a container's input must not end its output
    shouldUpgradeCallback: isHijack,
  };
  const server = (() => {
    try {
      return createTlsServer(options, handle);
    } catch (error) {
      throw invalid(`BERTH_TLS_CA, BERTH_TLS_CERT, BERTH_TLS_KEY: ${errorMessage(error)}`, error);
    }
  })();
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return { server, reload: async () => server.setSecureContext({ ...PROTOCOL, ...(await material(files)) }), close: () => end(server) };
}

function plain(handle: RequestListener): TcpListener {
  const server = createPlainServer({ ...SERVER_OPTIONS, shouldUpgradeCallback: (request) => isHijack(request) && !isOfBrowser(request) }, (request, reply) => {
    if (!isOfBrowser(request)) return handle(request, reply);
    reply.writeHead(403, { 'Content-Type': 'application/json', Connection: 'close' }).end(`${JSON.stringify({ message: 'access denied: web pages may not ask' })}\n`);
  });
  return { server, reload: () => Promise.resolve(), close: () => end(server) };
}

/** A browser on this machine comes from loopback too, with whatever page it shows: it tells the page's origin, or, where a name was pointed at us, a foreign host. */
function isOfBrowser({ headers }: IncomingMessage): boolean {
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined || (host !== '' && host !== 'localhost' && !isLoopback(host));
}

async function material({ ca, cert, key }: TlsFiles): Promise<{ readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }> {
  const read = (name: string, path: string): Promise<Buffer> =>
    readFile(path).catch((error: unknown) => {
      throw invalid(`${name}: ${errorMessage(error)} (the engine reads it as its own user, not as root)`, error);
    });
  return { ca: await read('BERTH_TLS_CA', ca), cert: await read('BERTH_TLS_CERT', cert), key: await read('BERTH_TLS_KEY', key) };
}

function end(server: Server): void {
  server.close();
  server.closeAllConnections();
}
