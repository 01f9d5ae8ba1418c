import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessControl } from '../../../application/access-control.js';
import type { AuthorizationPlugins, PluginRefusal } from '../../../application/authorization-plugins.js';
import type { RefusalLog } from '../../../application/refusals.js';
import type { AskedOfPlugins, AuthorizationMessage } from '../../../domain/access/authorization-message.js';
import type { QueryValues } from '../../../domain/requests/query-values.js';
import { whenGone } from '../streams/when-gone.js';
import { contextOf } from './request-context.js';
import { keepChecked } from './checked-names.js';
import { callerOf } from './peer.js';

/** Those who are asked before a request is carried out: the policy first, then plugins. */
export interface Guards {
  readonly access: AccessControl;
  readonly plugins: AuthorizationPlugins;
  readonly refusals: RefusalLog;
}

const bodies = new WeakMap<IncomingMessage, string>();

/** Keeps a body as it came, for plugins: they are shown its bytes. */
export function keepBody(request: IncomingMessage, body: string): void {
  bodies.set(request, body);
}

/** Asks before any controller, when the body is parsed and before anything is done: what is decided on is what the controller gets. */
export function guardRoutes(fastify: FastifyInstance, guards: Guards): void {
  const { access, plugins } = guards;
  const admitted = new WeakMap<IncomingMessage, AuthorizationMessage>();
  fastify.addHook('preHandler', (request, reply, done) => {
    if (access.isOpen && !plugins.areThere) return done();
    admit(request, reply, guards, admitted).then(() => done(), done);
  });
  if (!plugins.areThere) return;
  fastify.addHook('onSend', async (request, reply, payload) => {
    const message = admitted.get(request.raw);
    if (message === undefined) return payload;
    admitted.delete(request.raw); // an answer that is refused comes here again as that refusal
    if (reply.statusCode >= 400) await tellOfEnd(plugins, message, 0); // as dockerd: a failure goes out as it is, and plugins learn only that it is over
    else await plugins.release(message, { status: reply.statusCode, headers: reply.getHeaders(), body: typeof payload === 'string' || payload instanceof Uint8Array ? payload : '' }, recorder(request.raw, guards));
    return payload;
  });
}

async function admit(request: FastifyRequest, reply: FastifyReply, guards: Guards, admitted: WeakMap<IncomingMessage, AuthorizationMessage>): Promise<void> {
  const { url } = request.routeOptions;
  if (url === undefined) return; // no controller: 404 or 501
  const query = request.query as QueryValues;
  const params = request.params as Record<string, string>; // of the router
  const { access, plugins } = guards;
  if (!access.isOpen) keepChecked(request.raw, await access.admit({ caller: callerOf(request.raw.socket), context: contextOf(request.raw, query), route: `${request.method} ${url}`, params, query, body: request.body }));
  if (!plugins.areThere) return;
  const message = await plugins.admit(shownToPlugins(request.raw, request.originalUrl, bodies.get(request.raw) ?? ''), recorder(request.raw, guards));
  admitted.set(request.raw, message);
  whenGone(reply.raw, () => {
    // A stream: its bytes are out, and plugins are told of its end.
    if (admitted.delete(request.raw)) void tellOfEnd(plugins, message, reply.raw.statusCode);
  });
}

/** The same for a connection that is taken over: resolves to the id that `id` stands for. `body`: as it came. */
export async function admitUpgrade(request: IncomingMessage, guards: Guards, route: string, id: string, query: QueryValues, body = ''): Promise<string> {
  const { access, plugins } = guards;
  const params = { id };
  if (!access.isOpen) await access.admit({ caller: callerOf(request.socket), context: contextOf(request, query), route, params, query });
  if (plugins.areThere) {
    const message = await plugins.admit(shownToPlugins(request, request.url ?? '', body), recorder(request, guards));
    whenGone(request.socket, () => void tellOfEnd(plugins, message, 101));
  }
  return params.id;
}

/** What plugins say of what is over changes nothing. */
async function tellOfEnd(plugins: AuthorizationPlugins, message: AuthorizationMessage, status: number): Promise<void> {
  await plugins.release(message, { status, headers: {}, body: '' }, () => Promise.resolve()).catch(() => undefined);
}

const recorder = (request: IncomingMessage, { refusals }: Guards) => ({ plugin, reason }: PluginRefusal): Promise<void> =>
  refusals.record(callerOf(request.socket), { route: `${request.method} ${(request.url ?? '').replace(/\?.*/, '')}`, reason, by: plugin }, contextOf(request, {}));

function shownToPlugins(request: IncomingMessage, uri: string, body: string): AskedOfPlugins {
  const { method = 'GET', rawHeaders, socket } = request;
  const caller = callerOf(socket);
  if (!(socket instanceof TLSSocket) || caller.by !== 'certificate') return { method, uri, rawHeaders, body };
  const pem = `-----BEGIN CERTIFICATE-----\n${socket.getPeerCertificate().raw.toString('base64').match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END CERTIFICATE-----\n`;
  return { method, uri, rawHeaders, body, certificate: { commonName: caller.commonName, pem } };
}
