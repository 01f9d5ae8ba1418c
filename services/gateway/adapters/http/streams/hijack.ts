import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse } from 'node:querystring';
import { StartExec } from '#contracts/containers/commands.js';
import { invalid, toErrorReply } from '#libs/errors/errors.js';
import { attachRequest, openAttach } from '../../../application/attach.js';
import type { ContainerFeed } from '../../../application/container-feed.js';
import { DryRunAnswer, type EngineClient } from '../../../application/engine-client.js';
import type { OutputsUnderWay } from '../../../application/outputs-under-way.js';
import { startExec } from '../../../application/start-exec.js';
import { API_VERSION, isAtLeast, MIN_API_VERSION, versionOf, withoutVersion } from '../../../domain/api-version.js';
import { parseDetachKeys, watchingFor } from '../../../domain/requests/detach-keys.js';
import { ERROR_STATUS } from '../../../domain/error-status.js';
import { failureText } from '../../../domain/docker/failure-text.js';
import { readExecStart } from '../../../domain/requests/exec-request.js';
import { withFieldNames } from '../../../domain/requests/field-names.js';
import { readJsonBody } from '../../../domain/requests/read-json.js';
import { text } from '../../../domain/requests/query-values.js';
import { contextOf } from '../callers/request-context.js';
import { admitUpgrade, type Guards } from '../callers/route-guard.js';
import { tracedUpgrade } from '../callers/trace-requests.js';
import { reportUnforeseen } from '../server/unforeseen-errors.js';
import { execOutput } from './exec-output.js';
import { headTaken } from './head-taken.js';
import { noticeLeaving } from './notice-leaving.js';
import { endWithError, endWithJson, rawHead } from './raw-head.js';
import { splice } from './splice.js';
import { acceptWebSocket } from './websocket-client.js';
import { departureOf } from './when-gone.js';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

const ATTACH = /^\/containers\/([^/?]+)\/attach(?:\?|$)/;
/** By web socket: GET, since a browser asks so. */
const ATTACH_WS = /^\/containers\/([^/?]+)\/attach\/ws(?:\?|$)/;
const EXEC_START = /^\/exec\/([^/?]+)\/start(?:\?|$)/;
const BODY_LIMIT_BYTES = 64 * 1024;

/** Whether a request wants its connection turned into a byte stream. All others with an Upgrade header (h2c for /session) are plain requests. */
export function isHijack(request: IncomingMessage): boolean {
  const url = withoutVersion(request.url ?? '');
  const upgrade = request.headers.upgrade?.toLowerCase();
  if (!speaks(request)) return false;
  return request.method === 'GET' ? upgrade === 'websocket' && ATTACH_WS.test(url) : request.method === 'POST' && upgrade === 'tcp' && (ATTACH.test(url) || EXEC_START.test(url));
}

function speaks(request: IncomingMessage): boolean {
  const version = versionOf(request.url ?? '');
  return version === undefined || (isAtLeast(version, MIN_API_VERSION) && isAtLeast(API_VERSION, version));
}

/** Terminals send raw bytes; other streams are framed, and named so from version 1.42 on, where there is an upgrade. */
export function streamType(version: string | undefined, terminal: boolean): string {
  return !terminal && isAtLeast(version ?? API_VERSION, '1.42') ? MULTIPLEXED_STREAM : RAW_STREAM;
}

/** What a connection that is taken over uses of the gateway. */
export interface HijackParts {
  readonly engine: EngineClient;
  readonly feed: ContainerFeed;
  readonly outputs: OutputsUnderWay;
  readonly guards: Guards;
}

/** Answers attach and exec start of clients that asked for an upgrade. Gives the connections open now: the server no longer counts them as its own. */
export function serveHijacks(server: Server, parts: HijackParts): ReadonlySet<Duplex> {
  const open = new Set<Duplex>();
  server.on('upgrade', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    noticeLeaving(client);
    if (head.length > 0) client.unshift(head);
    const route = routeOf(withoutVersion(request.url ?? ''));
    tracedUpgrade(request, route, () => hijack(request, client, parts)).catch((error: unknown) => {
      if (error instanceof DryRunAnswer) return endWithJson(client, 200, { events: error.events });
      reportUnforeseen(error, `${request.method} ${route}`);
      refuse(client, error);
    });
  });
  return open;
}

const routeOf = (url: string): string => (EXEC_START.test(url) ? '/exec/:id/start' : ATTACH_WS.test(url) ? '/containers/:id/attach/ws' : '/containers/:id/attach');

async function hijack(request: IncomingMessage, client: Duplex, { engine, feed, outputs, guards }: HijackParts): Promise<void> {
  const url = withoutVersion(request.url ?? '');
  const query = parse(url.split('?', 2)[1] ?? '');
  const context = contextOf(request, query);
  const version = versionOf(request.url ?? '');
  const named = EXEC_START.exec(url)?.[1];
  if (named !== undefined) {
    const body = await readBody(request);
    const { detach, raw, consoleSize } = readExecStart(parsedBody(url.split('?', 1)[0] ?? '', body));
    const id = await admitUpgrade(request, guards, 'POST /exec/:id/start', decodeURIComponent(named), query, body);
    if (detach) {
      await engine.ask(StartExec, { exec: id, detach, ...(consoleSize ? { consoleSize } : {}) }, context);
      return void client.end(rawHead(200, { 'Content-Length': '0', Connection: 'close' }));
    }
    const { terminal, endsWithInput, detachKeys, detached, stream, exitKnown } = await startExec(engine, id, consoleSize, context);
    client.write(upgraded(streamType(version, raw)));
    await headTaken(request.socket);
    const streams = await stream().then((open) => execOutput(open, { terminal, raw })).catch((error: unknown) => failureText(error, raw));
    if (streams instanceof Uint8Array) return void client.end(streams);
    return splice(client, streams, { stdin: true, endsWithInput, beforeEnd: exitKnown, ...(terminal ? { detach: watchingFor(parseDetachKeys(detachKeys)), detached } : {}) });
  }
  const keys = parseDetachKeys(text(query, 'detachKeys') ?? '');
  const isWebSocket = ATTACH_WS.test(url);
  const wanted = decodeURIComponent((ATTACH_WS.exec(url) ?? ATTACH.exec(url))?.[1] ?? '');
  const container = await admitUpgrade(request, guards, isWebSocket ? 'GET /containers/:id/attach/ws' : 'POST /containers/:id/attach', wanted, query);
  // Before version 1.42 a web socket carried all three streams, whatever was asked for.
  const all = isWebSocket && !isAtLeast(version ?? API_VERSION, '1.42') ? { stdin: '1', stdout: '1', stderr: '1' } : {};
  const asked = attachRequest(container, { ...query, ...all });
  const attached = await openAttach(engine, feed, asked, context, departureOf(client));
  if (asked.stdout || asked.stderr) outputs.add(attached.run.container, attached.run.start, client);
  if (!isWebSocket) client.write(upgraded(streamType(version, attached.terminal)));
  const reader = isWebSocket ? await acceptWebSocket(request, client, { framed: !attached.terminal, binary: isAtLeast(version ?? API_VERSION, '1.28') }) : client;
  await headTaken(request.socket);
  if (attached.logs !== undefined) {
    // It has been upgraded: no answer but an end can tell that the log was cut off.
    const sent = await engine.download(attached.logs).then((logs) => pipeline(logs, reader, { end: false })).then(() => true, () => false);
    if (!sent) reader.destroy();
  }
  const stream = await attached.stream().catch((error: unknown) => failureText(error, attached.terminal));
  if (stream === undefined || stream instanceof Uint8Array) return void reader.end(stream);
  return splice(reader, stream, { stdin: attached.stdin, endsWithInput: attached.endsWithInput, ...(attached.terminal && attached.stdin ? { detach: watchingFor(keys), detached: attached.detached } : {}) });
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const bytes of request) {
    body += String(bytes);
    if (body.length > BODY_LIMIT_BYTES) throw invalid('the request body is too large');
  }
  return body;
}

const parsedBody = (path: string, body: string): unknown => (body === '' ? undefined : withFieldNames(path, readJsonBody(body)));

const upgraded = (type: string): string => rawHead(101, { 'Content-Type': type, Connection: 'Upgrade', Upgrade: 'tcp' }, 'UPGRADED');

/** After the 101 nothing can be said any more, so only errors before it come here with a client that still listens. */
function refuse(client: Duplex, error: unknown): void {
  const { kind, message } = toErrorReply(error);
  endWithError(client, ERROR_STATUS[kind], message);
  client.resume();
}
