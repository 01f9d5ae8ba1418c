import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type BerthError, invalid } from '#libs/errors/errors.js';
import { cleaned, requireSupported, versionOf, withoutVersion } from '../../../domain/api-version.js';
import { exactJson } from '../../../domain/docker/exact-json.js';
import { decodeBody } from '../../../domain/requests/decode-body.js';
import { encodeImageName } from '../../../domain/requests/image-paths.js';
import { encodeLinkName } from '../../../domain/requests/link-paths.js';
import { notJsonText } from '../../../domain/requests/not-json.js';
import { asGoSaysIt, readFirstJson, readJsonBody } from '../../../domain/requests/read-json.js';
import { keepBody } from '../callers/route-guard.js';
import { isHijack } from '../streams/hijack.js';
import { traceRequests } from '../callers/trace-requests.js';
import { ENGINE_HEADERS } from './engine-headers.js';
import { HEAD_LIMIT_BYTES } from './unreadable-requests.js';

/** Bodies that are read as JSON, at most; archives are streams and have no limit here. */
const JSON_LIMIT_BYTES = 4 * 1024 * 1024;

/** Routes whose body is JSON or nothing; others have none, or an archive. */
const WANTS_JSON = /^\/(?:commit|containers\/create|containers\/[^/]+\/(?:exec|update)|exec\/[^/]+\/start|networks\/create|volumes\/create)(?:\?|$)/;

/** Whose body is JSON, whatever its type is called and whatever is behind it; dockerd does not look there. */
const IS_JSON = /^POST \/auth(?:\?|$)/;

/** "application/json; charset=utf-8", in HTTP's own letters (RFC 9110, "media-type"). */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/** Routes whose body is an archive, whatever its type is called; dockerd does not look there. */
const TAKES_ARCHIVE = /^(?:PUT \/containers\/[^/]+\/archive|POST \/images\/(?:load|create))(?:\?|$)/;

/** The HTTP side of the gateway: versions, image names and names of links are taken out of the URL before routing, bodies other than JSON are left unread. `keepsBodies`: those as they came, for plugins. */
export function createHttpAdapter({ keepsBodies }: { readonly keepsBodies: boolean }): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: JSON_LIMIT_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // Streams (logs, events, attach) are quiet for hours.
    requestTimeout: 0,
    connectionTimeout: 0,
    routerOptions: { maxParamLength: HEAD_LIMIT_BYTES },
    rewriteUrl: (request: { readonly method?: string | undefined; readonly url?: string | undefined }) => routed(request.method ?? 'GET', request.url ?? '/'),
    // What the router itself refuses: a URL that decodes to nothing.
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => void reply.status(400).headers(ENGINE_HEADERS).type('application/json').send({ message: error.message }),
    http: { maxHeaderSize: HEAD_LIMIT_BYTES, shouldUpgradeCallback: (request: IncomingMessage) => isHijack(request) },
  });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (keepsBodies) keepBody(request.raw, body as string);
    if (body === '') return done(null, undefined);
    const path = routed(request.method, request.originalUrl);
    const isFirst = IS_JSON.test(`${request.method} ${path}`);
    try {
      done(null, decodeBody(pathOf(path), isFirst ? readFirstJson(body as string) : readJsonBody(body as string)));
    } catch (error) {
      done((isFirst ? asGoSaysIt(error) : error) as Error);
    }
  });
  fastify.addContentTypeParser('*', (request, _payload, done) => {
    if (!WANTS_JSON.test(routed(request.method, request.originalUrl))) return done(null, undefined);
    done(notJson(request.headers['content-type']));
  });
  fastify.setReplySerializer(exactJson);
  traceRequests(fastify);
  fastify.addHook('onRequest', async (request, reply) => {
    reply.headers(ENGINE_HEADERS);
    const elsewhere = cleaned(request.originalUrl);
    if (elsewhere !== undefined) return reply.status(301).header('location', elsewhere).send();
    // Of any path, as with dockerd.
    if (request.method === 'OPTIONS') return reply.status(200).send();
    const version = versionOf(request.originalUrl);
    if (version !== undefined) requireSupported(version);
    nameType(request.raw, routed(request.method, request.originalUrl));
  });
  // Docker's own client reads an error's message only where the type is this, to the letter; Fastify adds a charset. And JSON is a line, as of Go's encoder.
  fastify.addHook('onSend', async (_request, reply, payload) => {
    if (!String(reply.getHeader('content-type')).startsWith('application/json')) return payload;
    reply.header('content-type', 'application/json');
    return typeof payload === 'string' && payload !== '' && !payload.endsWith('\n') ? `${payload}\n` : payload;
  });
  return adapter;
}

/** Fastify reads bodies by what their type says, and refuses a type that is none by a status of its own. */
function nameType({ method = 'GET', headers }: IncomingMessage, path: string): void {
  const { 'content-type': type } = headers;
  if (TAKES_ARCHIVE.test(`${method} ${path}`)) headers['content-type'] = 'application/x-tar';
  else if (IS_JSON.test(`${method} ${path}`)) headers['content-type'] = 'application/json';
  else if (type !== undefined && !MEDIA_TYPE.test(type)) {
    if (type !== '' && WANTS_JSON.test(path)) throw notJson(type);
    delete headers['content-type'];
  }
}

const notJson = (type = ''): BerthError => invalid(notJsonText(type));

/** The URL that routes are matched with. */
export function routed(method: string, url: string): string {
  const bare = withoutVersion(url);
  const path = pathOf(bare);
  return encodeLinkName(method, encodeImageName(method, path)) + bare.slice(path.length);
}

function pathOf(url: string): string {
  const question = url.indexOf('?');
  return question < 0 ? url : url.slice(0, question);
}
