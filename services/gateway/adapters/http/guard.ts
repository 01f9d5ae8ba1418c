import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AccessControl } from '../../application/access-control.js';
import type { QueryValues } from '../../domain/query-values.js';
import { contextOf } from './asked.js';
import { callerOf } from './peer.js';

/** Asks before any controller, when the body is parsed and before anything is done: what is decided on is what the controller gets. */
export function guardRoutes(fastify: FastifyInstance, access: AccessControl): void {
  fastify.addHook('preHandler', (request, _reply, done) => {
    if (access.isOpen) return done();
    admit(request, access).then(() => done(), done);
  });
}

async function admit(request: FastifyRequest, access: AccessControl): Promise<void> {
  const { url } = request.routeOptions;
  if (url === undefined) return; // no controller: 404 or 501
  const query = request.query as QueryValues;
  const params = request.params as Record<string, string>; // of the router
  await access.admit({ caller: callerOf(request.raw.socket), context: contextOf(request.raw, query), route: `${request.method} ${url}`, params, query, body: request.body });
}

/** The same for a connection that is taken over: resolves to the id that `id` stands for. */
export async function admitUpgrade(request: IncomingMessage, access: AccessControl, route: string, id: string, query: QueryValues): Promise<string> {
  if (access.isOpen) return id;
  const params = { id };
  await access.admit({ caller: callerOf(request.socket), context: contextOf(request, query), route, params, query });
  return params.id;
}
